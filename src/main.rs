//! The command line of kratos-onboarding; see `kratos-onboarding help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    kratos_onboarding::cli::run(std::env::args_os())
}
