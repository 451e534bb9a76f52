//! The process of the `gatehouse` command. There is none in WebAssembly.

#[cfg(not(target_arch = "wasm32"))]
fn main() -> std::process::ExitCode {
    use gatehouse::cli;
    use std::io::IsTerminal;
    let (out, err) = (std::io::stdout(), std::io::stderr());
    let terminal = err.is_terminal();
    let exit = cli::run(std::env::args_os().skip(1), &cli::Native::new(), out, err, terminal);
    std::process::ExitCode::from(exit.code())
}

#[cfg(target_arch = "wasm32")]
fn main() {}
