//! What stands in for a machine that runs containers of the image: the last stage
//! of the Dockerfile says how. [`super`] says what is emulated.

use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::program::Run;
use crate::served::Served;

/// Makes the folder in `$1` the only one that can be written to, and becomes the rest.
const SEAL: &str = r#"mount --bind "$1" "$1" && mount -o remount,bind,ro / && shift && exec "$@""#;

/// A file of the repository.
pub(super) fn text(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    std::fs::read_to_string(root.join(path)).unwrap()
}

/// What the last stage of the Dockerfile says of a container.
struct Image {
    user: u32,
    group: u32,
    environment: Vec<(String, String)>,
    /// Of the program, which is the entry point.
    arguments: Vec<String>,
}

impl Image {
    fn read() -> Self {
        let dockerfile = text("Dockerfile").replace("\\\n", " ");
        let stage = dockerfile.rsplit("\nFROM ").next().unwrap();
        let said = |instruction: &str| {
            let lines = stage.lines();
            let after = lines.filter_map(|line| line.strip_prefix(instruction));
            after.collect::<Vec<&str>>().join(" ")
        };
        let words = |instruction| -> Vec<String> {
            serde_json::from_str(&said(instruction)).expect("a list in JSON")
        };
        assert_eq!(words("ENTRYPOINT "), ["/usr/local/bin/rag"]);
        let owner = said("USER ");
        let (user, group) = owner.split_once(':').expect("a user and a group");
        let environment = said("ENV ");
        let pairs = environment.split_whitespace().map(|pair| {
            let (name, value) = pair.split_once('=').unwrap();
            (name.to_owned(), value.to_owned())
        });
        Image {
            user: user.parse().unwrap(),
            group: group.parse().unwrap(),
            environment: pairs.collect(),
            arguments: words("CMD "),
        }
    }
}

/// How containers come about here.
#[derive(Clone, Copy)]
enum Way {
    /// With a root that cannot be written to.
    Sealed,
    /// As the image's user.
    AsUser,
    /// As whoever runs the tests.
    AsSelf,
}

/// What containers run on, one after the other.
pub(super) struct Machine {
    image: Image,
    folder: TempDir,
    way: Way,
}

impl Machine {
    pub(super) fn new() -> Self {
        let image = Image::read();
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        // Where the tests were built may be closed to the user.
        std::fs::copy(env!("CARGO_BIN_EXE_rag"), path("rag")).unwrap();
        std::fs::create_dir(path("data")).unwrap();
        std::fs::create_dir(path("home")).unwrap();
        allow(folder.path(), 0o755);
        allow(&path("home"), 0o555);
        let is_root = chown(path("data"), Some(image.user), Some(image.group)).is_ok();
        let mut machine = Machine {
            image,
            folder,
            way: if is_root { Way::Sealed } else { Way::AsSelf },
        };
        if is_root && !machine.can_seal() {
            machine.way = Way::AsUser;
        }
        machine
    }

    fn can_seal(&self) -> bool {
        let mut probe = self.command(&["--version"], &[]);
        probe.stdout(Stdio::null()).stderr(Stdio::null());
        probe.status().is_ok_and(|status| status.success())
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The program in a container, with `settings` besides those of the image.
    fn command(&self, arguments: &[&str], settings: &[(&str, &str)]) -> Command {
        let (user, group) = (self.image.user, self.image.group);
        let mut command = match self.way {
            Way::Sealed => {
                let mut command = Command::new("unshare");
                command.args(["--mount", "sh", "-c", SEAL, "sh"]);
                command.arg(self.path("data")).arg("setpriv");
                command.args([format!("--reuid={user}"), format!("--regid={group}")]);
                command.args(["--clear-groups", "env", "-i"]);
                command
            }
            Way::AsUser | Way::AsSelf => {
                let mut command = Command::new("env");
                command.arg("-i");
                command
            }
        };
        if let Way::AsUser = self.way {
            command.uid(user).gid(group);
        }
        let data = self.path("data");
        for (name, value) in &self.image.environment {
            let value = match name.as_str() {
                // Any that is free.
                "PORT" => "0",
                "RAG_DATA_DIR" => data.to_str().unwrap(),
                _ => value.as_str(),
            };
            command.arg(format!("{name}={value}"));
        }
        command.args(
            settings
                .iter()
                .map(|(name, value)| format!("{name}={value}")),
        );
        command.current_dir(self.path("home"));
        command.arg(self.path("rag")).args(arguments);
        command
    }

    /// Runs a command in a container of its own.
    pub(super) fn run(&self, arguments: &[&str], settings: &[(&str, &str)]) -> Run {
        Run::of(self.command(arguments, settings), "")
    }

    /// Starts the container as the image says.
    pub(super) fn serve(&self, settings: &[(&str, &str)]) -> Served {
        let arguments: Vec<&str> = self.image.arguments.iter().map(String::as_str).collect();
        Served::run(self.command(&arguments, settings))
    }

    /// The header with a new token that allows everything.
    pub(super) fn bearer(&self, name: &str) -> String {
        let made = self.run(
            &["token", "create", name, "--scope", "admin", "--json"],
            &[],
        );
        assert_eq!(made.code, 0, "{}", made.stderr);
        let made: Value = serde_json::from_str(&made.stdout).unwrap();
        format!("Authorization: Bearer {}", made["token"].as_str().unwrap())
    }
}

/// Sets who may do what with a file or folder.
pub(super) fn allow(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}
