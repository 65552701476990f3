//! The types of what a scope gives, in place of those of the standard library and of tokio.

use quote::quote;
use syn::spanned::Spanned as _;
use syn::visit_mut::{self, VisitMut};
use syn::{Item, PathArguments, Type};

use super::spawns::{Spawned, Spawns};

/// The handle of a scoped child is another type; where the body names std's, or tokio's, it means ours.
// Input:  Vec<thread::JoinHandle<u32>>
// Output: Vec<::backstop::scope::ScopedJoinHandle<'_, u32>>
pub(super) struct Handles<'a, 'b>(pub(super) &'a Spawns<'b>);

impl VisitMut for Handles<'_, '_> {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        // Functions return what they are declared to return.
        if matches!(ty, Type::FnPtr(_) | Type::TraitObject(_) | Type::ImplTrait(_)) {
            return;
        }
        visit_mut::visit_type_mut(self, ty);
        let Type::Path(path) = &*ty else { return };
        if self.0.spawned == Spawned::Tasks
            && self.0.names(&path.path, "tokio::task::Builder", ["task", "Builder"])
        {
            let module = self.0.runtime.public("scope", path.span());
            *ty = Type::Verbatim(quote!(#module::TaskBuilder<'_>));
            return;
        }
        let (canonical, suffix) = match self.0.spawned {
            Spawned::Threads => ("std::thread::JoinHandle", ["thread", "JoinHandle"]),
            Spawned::Tasks | Spawned::Local => ("tokio::task::JoinHandle", ["task", "JoinHandle"]),
        };
        if !self.0.names(&path.path, canonical, suffix) {
            return;
        }
        let Some(last) = path.path.segments.last() else { return };
        let PathArguments::AngleBracketed(args) = &last.arguments else { return };
        let args = &args.args;
        let module = self.0.runtime.public("scope", last.span());
        *ty = Type::Verbatim(match self.0.spawned {
            Spawned::Threads => quote!(#module::ScopedJoinHandle<'_, #args>),
            Spawned::Tasks => quote!(#module::TaskHandle<#args>),
            Spawned::Local => quote!(#module::LocalHandle<#args>),
        });
    }

    fn visit_item_mut(&mut self, _: &mut Item) {}
}
