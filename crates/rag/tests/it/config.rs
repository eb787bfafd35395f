//! Where settings come from.

use serde_json::Value;

use crate::program::{Run, User};

fn setting(
    user: &User,
    name: &str,
    arguments: &[&str],
    environment: &[(&str, &str)],
) -> (Value, String) {
    let mut command = user.command(&[&["config", "--json"], arguments].concat());
    command.envs(environment.iter().copied());
    let run = Run::of(command, "");
    assert_eq!(run.code, 0, "{}", run.stderr);
    let items: Value = serde_json::from_str(&run.stdout).unwrap();
    let item = items
        .as_array()
        .unwrap()
        .iter()
        .find(|item| item["name"] == name)
        .unwrap();
    (
        item["value"].clone(),
        item["origin"].as_str().unwrap().to_owned(),
    )
}

#[test]
fn nearer_sources_win() {
    let user = User::new();
    let level = |arguments: &[&str], environment: &[(&str, &str)]| {
        setting(&user, "LOG_LEVEL", arguments, environment)
    };
    assert_eq!(level(&[], &[]), (Value::Null, "default".into()));
    let file = user.write(
        ".rag-memory-env",
        "LOG_LEVEL=error\n# a comment\nHOST=\"::1\"\n",
    );
    assert_eq!(
        level(&[], &[]),
        ("error".into(), file.display().to_string())
    );
    user.write(".env", "LOG_LEVEL='debug'\nUNRELATED=1\n");
    assert_eq!(level(&[], &[]), ("debug".into(), ".env".into()));
    assert_eq!(
        level(&[], &[("LOG_LEVEL", " ")]),
        ("debug".into(), ".env".into()),
        "blank is unset"
    );
    assert_eq!(
        level(&[], &[("LOG_LEVEL", "info")]),
        ("info".into(), "the environment".into())
    );
    let flag = level(&["--log-level", "warn"], &[("LOG_LEVEL", "info")]);
    assert_eq!(flag, ("warn".into(), "the command line".into()));
    assert_eq!(setting(&user, "HOST", &[], &[]).0, "::1");
}

#[test]
fn secrets_are_masked() {
    let user = User::new();
    let secrets = "OPENAI_API_KEY=sk-very-secret\nGITHUB_TOKEN=ghp-very-secret\n\
                   RAG_BROWSER_URL=http://me:very-secret@127.0.0.1:9222/?token=very-secret\n";
    user.write(".env", secrets);
    let run = user.rag(&["config"]);
    assert!(
        run.stdout.contains("OPENAI_API_KEY") && run.stdout.contains("***"),
        "{}",
        run.stdout
    );
    assert!(!run.stdout.contains("very-secret"), "{}", run.stdout);
    user.write(
        ".rag-memory-env",
        "OPENAI_API_KEY=sk-very secret\"\n= broken",
    );
    let broken = user.rag(&["config"]);
    assert_eq!(broken.code, 2, "{}", broken.stderr);
    assert!(
        broken.stderr.contains("cannot read the settings in `"),
        "{}",
        broken.stderr
    );
    assert!(!broken.stderr.contains("sk-very"), "{}", broken.stderr);
}

#[test]
fn a_key_alone_sends_nothing_anywhere() {
    let user = User::new();
    let mut command = user.command(&["status", "--json"]);
    command.env("OPENAI_API_KEY", "sk-secret");
    let status: Value = serde_json::from_str(&Run::of(command, "").stdout).unwrap();
    assert_eq!(status["embedding_model"], "all-MiniLM-L6-v2-int8");
}

#[test]
fn a_wrong_value_is_shown_and_reported() {
    let user = User::new();
    let mut command = user.command(&["config"]);
    command.env("PORT", "http");
    let run = Run::of(command, "");
    assert_eq!(run.code, 2);
    assert!(run.stdout.contains("http"), "{}", run.stdout);
    assert!(
        run.stderr.contains("PORT (from the environment) is `http`"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_project_file_of_others_is_no_obstacle() {
    let user = User::new();
    user.write(
        ".env",
        "COMMAND=run this now\nexport QUOTE=\"open\nLOG_LEVEL=error\n=\n",
    );
    let level = setting(&user, "LOG_LEVEL", &[], &[]);
    assert_eq!(level, ("error".into(), ".env".into()));
    std::fs::remove_file(user.home().join(".env")).unwrap();
    user.write(".env/bin/activate", "a virtual environment");
    assert_eq!(setting(&user, "LOG_LEVEL", &[], &[]).1, "default");
}

#[test]
fn a_level_that_is_none_is_refused() {
    let run = User::new().rag(&["--log-level", "verbose", "status"]);
    assert_eq!(run.code, 2, "{}", run.stderr);
    assert!(
        run.stderr.contains("LOG_LEVEL is `verbose`"),
        "{}",
        run.stderr
    );
}
