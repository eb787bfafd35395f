//! Finds a Chromium on this machine.

use std::path::{Path, PathBuf};

use crate::BrowserOptions;

/// What Chromium and its close relatives are called.
const NAMES: &[&str] = &[
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "chrome-headless-shell",
    "microsoft-edge",
    "msedge",
];

/// Programs that are in no folder of `PATH`.
const BUNDLES: &[&str] = &[
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    "/opt/google/chrome/chrome",
    "/opt/microsoft/msedge/msedge",
];

/// Where programs are usually installed.
pub(crate) fn usual_folders() -> Vec<PathBuf> {
    [
        "/usr/local/bin",
        "/usr/bin",
        "/snap/bin",
        "/opt/homebrew/bin",
    ]
    .map(PathBuf::from)
    .to_vec()
}

/// The program that `options` name or the first that is found. Fails with what
/// was tried and what can be done.
pub(crate) fn program(options: &BrowserOptions) -> Result<PathBuf, String> {
    if let Some(program) = &options.program {
        return if program.is_file() {
            Ok(program.clone())
        } else {
            let program = program.display();
            Err(format!(
                "`{program}` is not a program\n\n\
                 hint: set `RAG_CHROMIUM` to the path of Chromium or Chrome, or unset it"
            ))
        };
    }
    let named = options
        .folders
        .iter()
        .flat_map(|folder| NAMES.iter().map(move |name| folder.join(name)));
    let bundled = BUNDLES.iter().map(PathBuf::from);
    named
        .chain(bundled)
        .find(|path| path.is_file())
        .ok_or_else(|| nothing_found(&options.folders))
}

fn nothing_found(folders: &[PathBuf]) -> String {
    let names = NAMES.join("`, `");
    let folders: Vec<_> = folders
        .iter()
        .map(|path| Path::display(path).to_string())
        .collect();
    let folders = folders.join("`, `");
    format!(
        "none of `{names}` is in `{folders}`\n\n\
         hint: install Chromium (`apt-get install chromium`), or set `RAG_CHROMIUM` \
         to the path of one, or `RAG_BROWSER_URL` to the address of one that runs"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_named_program_wins_over_the_folders_and_their_order_counts() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (folder.path().join("first"), folder.path().join("second"));
        for (folder, program) in [(&first, "google-chrome"), (&second, "chromium")] {
            std::fs::create_dir(folder).unwrap();
            std::fs::write(folder.join(program), "").unwrap();
        }
        let find = |named: Option<PathBuf>, folders: &[&PathBuf]| {
            program(&BrowserOptions {
                program: named,
                folders: folders.iter().map(|&folder| folder.clone()).collect(),
                ..BrowserOptions::default()
            })
        };
        let (chrome, chromium) = (first.join("google-chrome"), second.join("chromium"));
        assert_eq!(find(None, &[&first, &second]), Ok(chrome.clone()));
        assert_eq!(find(None, &[&second, &first]), Ok(chromium.clone()));
        assert_eq!(find(Some(chromium.clone()), &[&first]), Ok(chromium));
        let missing = find(Some(first.join("missing")), &[&second]).unwrap_err();
        assert!(
            missing.contains("missing`") && missing.contains("RAG_CHROMIUM"),
            "{missing}"
        );
    }

    #[test]
    fn when_there_is_none_the_message_tells_what_to_do() {
        let message = nothing_found(&["/nowhere".into()]);
        for expected in [
            "`chromium`",
            "`/nowhere`",
            "apt-get install chromium",
            "RAG_CHROMIUM",
        ] {
            assert!(message.contains(expected), "{message}");
        }
    }
}
