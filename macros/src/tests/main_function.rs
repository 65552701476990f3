/// Starts it all.
#[allow(unused)]
pub fn main() -> ::std::process::ExitCode {
    #[must_cleanup]
    fn main() -> Result<(), Error> {
        run()?;
        Ok(())
    }
    ::renamed::__needs_linux_in_main!(reaper);
    ::renamed::__needs_linux_in_main!(journal);
    ::renamed::__needs_process!(
        "#[backstop::main]" => ::renamed::__private::main
    )(60000u64, true, ::core::option::Option::Some("/var/lib/app"), main)
}
