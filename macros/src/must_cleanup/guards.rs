//! The statements that a guard expands into.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens as _, quote, quote_spanned};
use syn::{Attribute, Expr, Local, Pat, Stmt};

use super::analyze::single_name;
use super::cleanup::Cleanup;
use super::expand::Kind;
use super::lints;
use super::marks::{Flags, reference};
use super::rung::alone;
use crate::no_exit::analyze::Calls;
use crate::paths::{Runtime, hidden, local, local_at};
use crate::syntax::{block_diverges, diverges, exit_token, mentions, verbatim};

pub(super) struct Emitter<'a> {
    pub(super) runtime: &'a Runtime,
    pub(super) calls: &'a Calls<'a>,
    pub(super) kind: Kind,
    pub(super) flags: Flags,
    /// The `cfg`s of the statement: each generated one is there only with it.
    pub(super) cfg: Vec<Attribute>,
    /// Tells the hidden names of this guard from those of others.
    pub(super) number: usize,
}

impl Emitter<'_> {
    /// The guard of a `let`, and its handle, which follows it.
    // Input:  #[cleanup(EXPR)] let mut name: T = INIT;
    // Output: let value: T = INIT; let mut slot = ..; let mut owner = .. |name| EXPR ..;
    //         let mut name = owner.handle();
    pub(super) fn on_let(
        &self,
        mut statement: Local,
        cleanup: &Cleanup,
    ) -> (TokenStream, TokenStream) {
        // Refused before: the error stands, and the statement stays as it was.
        let Some(name) = single_name(&statement.pat).cloned() else {
            return (statement.into_token_stream(), TokenStream::new());
        };
        if statement.init.is_none() {
            return (statement.into_token_stream(), TokenStream::new());
        }
        let mentioned = mentions(cleanup.expr.to_token_stream(), &[&name.ident.to_string()]);
        // A registered expression is evaluated beside the value, which it reads by its name.
        let value = if cleanup.rung.is_some() && mentioned {
            name.ident.clone()
        } else {
            local("value", self.number)
        };
        rename(&mut statement.pat, &value);
        // Lints that the user set on the statement are about the name.
        let attrs: Vec<Attribute> = lints::of_the_name(&statement.attrs);
        statement.attrs = lints::of_the_value(&statement.attrs);
        let place = name.ident.span();
        let unused = local("unused", self.number);
        let parameter = match cleanup.rung {
            None if mentioned => {
                let ident = &name.ident;
                // A `&mut self` method of the value is called in the cleanup alone.
                quote_spanned!(hidden(place)=> #[allow(unused_mut)] mut #ident)
            }
            _ => quote!(#unused),
        };
        let used = mentioned.then(|| {
            let ident = &name.ident;
            quote_spanned!(hidden(place)=> let _ = &#ident;)
        });
        let owner = local_at(place, "owner", self.number);
        let default_name = name.ident.to_string();
        let parts = Parts {
            value: quote!(#value),
            parameter,
            armed: None,
            tells: false,
            has_handle: true,
            name: &default_name,
        };
        let guard = self.owner(&parts, cleanup);
        let mutability = name.mutability;
        let ident = &name.ident;
        let span = hidden(place);
        let handle = quote_spanned!(span=> #owner.handle());
        let let_token = statement.let_token;
        let cfg = &self.cfg;
        let used = used.map(|used| quote!(#(#cfg)* #used));
        let announced = cleanup.rung.as_ref().filter(|_| self.kind == Kind::Sync).map(|rung| {
            let announced = local("announced", self.number);
            let announce = rung.announce(self.runtime);
            quote_spanned!(span=> #(#cfg)* let #announced = #announce;)
        });
        let handle = quote!(#(#attrs)* #let_token #mutability #ident = #handle; #used);
        (quote!(#announced #statement #guard), handle)
    }

    /// The guard of any other statement, which follows it. `armed` is the hidden switch by which
    /// the statement's own failure calls the cleanup off. `tells` says whether the way that it ends
    /// by tells if it has made something; in an `async` function, whether each `.await` of it is seen.
    // Input:  #[cleanup(EXPR)] announce()?;
    // Output: let armed = ..; let mut slot = ..; let mut owner = .. || if armed.get() { EXPR } ..;
    pub(super) fn before_statement(
        &self,
        armed: Option<&Ident>,
        tells: bool,
        cleanup: &Cleanup,
    ) -> TokenStream {
        let span = hidden(cleanup.span);
        let switch = armed.map(|armed| {
            let new = self.runtime.private(self.kind.of("Armed", "SharedArmed"), span);
            let cfg = &self.cfg;
            quote_spanned!(span=> #(#cfg)* let #armed = #new::new();)
        });
        let unused = local("unused", self.number);
        let parts = Parts {
            value: quote!(()),
            parameter: quote!(#unused),
            armed,
            tells,
            has_handle: false,
            name: &cleanup.text,
        };
        let guard = self.owner(&parts, cleanup);
        quote!(#switch #guard)
    }

    /// What follows a guarded statement that went well: the thing that it made can be told from
    /// others now.
    // Output: created.commit();
    pub(super) fn after_statement(&self, cleanup: &Cleanup) -> Option<TokenStream> {
        cleanup.rung.as_ref()?;
        let span = hidden(cleanup.span);
        let created = local("created", self.number);
        let cfg = &self.cfg;
        // A statement that never ends leaves this unreachable, and that is no fault of the user's.
        Some(quote_spanned!(span=> #(#cfg)* #[allow(unreachable_code)] #created.commit();))
    }

    fn owner(&self, parts: &Parts<'_>, cleanup: &Cleanup) -> TokenStream {
        let Parts { value, parameter, armed, tells, has_handle, name: default_name } = parts;
        let span = hidden(cleanup.span);
        let [slot, owner] = ["slot", "owner"].map(|name| local_at(cleanup.span, name, self.number));
        // The user's own span: `Site::new` records its line.
        let site = self.runtime.private("Site", cleanup.span);
        let name =
            cleanup.name.as_ref().map_or_else(|| quote!(#default_name), |name| quote!(#name));
        let site = match cleanup.timeout {
            None => quote_spanned!(cleanup.span=> #site::new(#name)),
            Some(limit) => quote_spanned!(cleanup.span=> #site::new(#name).within(#limit)),
        };
        let flags = self.flags.references(span);
        let on = cleanup.on;
        let mut ended = None;
        let (entry, result) = match &cleanup.rung {
            None => (None, self.result(cleanup)),
            Some(rung) => {
                let [entry, value] = ["entry", "unused"].map(|name| local(name, self.number));
                // A statement's is registered before it runs, a `let`'s behind it, and a `defer!` is
                // for what is there already.
                let exists = armed.is_none();
                // An announcement stays on its thread, so that none is held over an `.await`.
                let announced = if *has_handle && self.kind == Kind::Sync {
                    local("announced", self.number).into_token_stream()
                } else {
                    rung.announce(self.runtime)
                };
                let registered =
                    rung.register(&announced, &site, &cleanup.expr, exists, self.runtime);
                let cfg = &self.cfg;
                let created = local("created", self.number);
                let begun = armed.map(|_| match self.kind {
                    Kind::Sync => {
                        let making = local("making", self.number);
                        // Behind the guard, so that it is dropped before it: a statement that leaves
                        // the block has made the thing, too.
                        ended = tells.then(|| {
                            quote_spanned!(span=> #(#cfg)* let #created = #making.created(#flags);)
                        });
                        quote_spanned!(span=> #(#cfg)* let #making = #entry.making();)
                    }
                    Kind::Async => {
                        let making = if *tells { "making_async" } else { "making_unseen" };
                        let making = Ident::new(making, span);
                        quote_spanned!(span=> #(#cfg)* let #created = #entry.#making();)
                    }
                });
                (
                    Some(quote_spanned!(span=> #(#cfg)* let #entry = #registered; #begun)),
                    quote_spanned!(span=> #entry.run(#value)),
                )
            }
        };
        if cleanup.awaited.is_some() {
            return self.awaited_owner(parts, cleanup, &site, &result);
        }
        let body = match armed {
            Some(armed) => {
                let ended = self.runtime.private("Ended", span);
                quote_spanned!(span=> if #armed.get() { #result } else { #ended::WELL })
            }
            None => result,
        };
        let warning = self.abort_warning(cleanup);
        let mutability = has_handle.then(|| quote_spanned!(span=> mut));
        let cfg = &self.cfg;
        let owner = match self.kind {
            Kind::Sync => {
                let slot_type = self.runtime.private("Slot", span);
                let owner_type = self.runtime.private("Owner", span);
                quote_spanned! {span=>
                    #(#cfg)*
                    let mut #slot = #slot_type::new();
                    #(#cfg)*
                    let #mutability #owner = #owner_type::<_, _, _, #on>::new(
                        &mut #slot, #value, #flags, &const { #site }, |#parameter| { #body },
                    );
                }
            }
            Kind::Async => {
                let owner_type = self.runtime.private("AsyncOwner", span);
                quote_spanned! {span=>
                    #(#cfg)*
                    let #mutability #owner = #owner_type::<_, _, _, _, #on>::new(
                        #value, #flags, || &const { #site }, |#parameter| { #body },
                    );
                }
            }
        };
        quote_spanned!(span=> #warning #entry #owner #ended)
    }

    /// The owner of an `async` cleanup.
    // Output: let mut owner = AwaitedOwner::new(value, None, &flag0, &chain, || SITE,
    //         move |name| async move { value(&EXPR.await).ended() });
    fn awaited_owner(
        &self,
        parts: &Parts<'_>,
        cleanup: &Cleanup,
        site: &TokenStream,
        result: &TokenStream,
    ) -> TokenStream {
        let Parts { value, parameter, armed, .. } = parts;
        let span = hidden(cleanup.span);
        let owner = local_at(cleanup.span, "owner", self.number);
        let chain = local("chain", 0);
        let keyword = cleanup.awaited.unwrap_or(cleanup.span);
        let owner_type = self.runtime.private("AwaitedOwner", hidden(keyword));
        let needs = self.runtime.public("__needs", keyword);
        let needs = quote_spanned!(keyword=> #needs!(async_cleanup););
        let flags = self.flags.references(span);
        let on = cleanup.on;
        let armed = match armed {
            Some(armed) => quote_spanned!(span=> ::core::option::Option::Some(&#armed)),
            None => quote_spanned!(span=> ::core::option::Option::None),
        };
        let warning = self.abort_warning(cleanup);
        let cfg = &self.cfg;
        // What the cleanup is made of, and may not be, is told at its `async`.
        let made = hidden(keyword);
        let made = quote_spanned! {made=>
            #owner_type::<_, _, _, _, _, #on>::new(
                #value, #armed, #flags, &#chain, || &const { #site },
                move |#parameter| async move { #result },
            )
        };
        quote_spanned! {span=>
            #warning
            #(#cfg)*
            #needs
            #(#cfg)*
            let mut #owner = #made;
        }
    }

    /// What a cleanup's value says: `Some(message)` of a failure.
    fn result(&self, cleanup: &Cleanup) -> TokenStream {
        // The braces of a `defer!` are not its author's.
        self.result_of(alone(&cleanup.expr), cleanup)
    }

    // Input:  { log(); conn.close() }
    // Output: { log(); value(&conn.close()).ended() }
    fn result_of(&self, expr: &Expr, cleanup: &Cleanup) -> TokenStream {
        let span = hidden(cleanup.span);
        if diverges(expr) || self.calls.never_returns(expr) {
            // There is no value; one made after it would be unreachable.
            return quote_spanned!(span=> #expr);
        }
        if let Expr::Block(ends) = expr {
            if let (None, Some(Stmt::Expr(tail, None))) = (&ends.label, ends.block.stmts.last()) {
                // Around the block, the type of one that never ends would be open.
                let tail = self.result_of(tail, cleanup);
                let mut ends = ends.clone();
                ends.block.stmts.pop();
                ends.block.stmts.push(verbatim(tail));
                return ends.into_token_stream();
            }
        }
        // Names the expression as the place of a type that cannot be a cleanup's.
        let place = first_span(expr);
        let value = self.runtime.private("value", place);
        if cleanup.awaited.is_some() {
            if never_ends(expr) {
                // Of what type it is nothing else says.
                let ended = self.runtime.private("Ended", span);
                return quote_spanned!(span=> { let () = (#expr).await; #ended::WELL });
            }
            return quote_spanned!(place=> #value(&(#expr).await).ended());
        }
        let reference = reference(expr.clone(), place);
        quote_spanned!(place=> #value(#reference).ended())
    }

    fn abort_warning(&self, cleanup: &Cleanup) -> TokenStream {
        if !cleanup.warns_of_abort {
            return TokenStream::new();
        }
        let span = hidden(cleanup.span);
        let warning = self.runtime.private("cleanup_never_runs_on_a_panic", cleanup.span);
        let cfg = &self.cfg;
        quote_spanned!(span=> #(#cfg)* #[cfg(panic = "abort")] let _: () = #warning;)
    }
}

/// What tells the guard of a `let` from that of another statement.
struct Parts<'a> {
    value: TokenStream,
    /// The parameter of the cleanup, by which the value comes to it.
    parameter: TokenStream,
    armed: Option<&'a Ident>,
    tells: bool,
    /// Whether a handle borrows the owner.
    has_handle: bool,
    /// What events call it, if the cleanup has no `name`.
    name: &'a str,
}

/// Gives the pattern of a `let` another name, immutable.
fn rename(pat: &mut Pat, name: &Ident) {
    match pat {
        Pat::Ident(pat) => {
            pat.ident = name.clone();
            pat.mutability = None;
        }
        Pat::Type(typed) => rename(&mut typed.pat, name),
        _ => {}
    }
}

/// Whether an `async` block has no end, and no other way out that tells its type.
fn never_ends(expr: &Expr) -> bool {
    let Expr::Async(expr) = expr else { return false };
    block_diverges(&expr.block) && exit_token(&expr.block.to_token_stream()).is_none()
}

pub(super) fn first_span(expr: &Expr) -> Span {
    expr.to_token_stream().into_iter().next().map_or_else(Span::call_site, |token| token.span())
}
