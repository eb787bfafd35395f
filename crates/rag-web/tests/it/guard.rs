//! What the guard lets through, asked as its callers ask.

use rag_web::{Guard, Refused};

fn guard(rules: &[&str]) -> Guard {
    let rules: Vec<String> = rules.iter().map(|&rule| rule.to_owned()).collect();
    Guard::new(&rules).unwrap()
}

/// The first address, or the kind of refusal.
fn outcome(vetted: Result<Vec<std::net::SocketAddr>, Refused>) -> String {
    match vetted {
        Ok(addresses) => addresses[0].to_string(),
        Err(Refused::Scheme { .. }) => "scheme".to_owned(),
        Err(Refused::Port { .. }) => "port".to_owned(),
        Err(Refused::Private { .. }) => "private".to_owned(),
        Err(Refused::NoSuchHost { .. }) => "no such host".to_owned(),
    }
}

#[tokio::test]
async fn urls_are_vetted_in_every_spelling() {
    let guard = guard(&[]);
    for (url, expected) in [
        ("http://1.1.1.1/", "1.1.1.1:80"),
        ("https://1.1.1.1/", "1.1.1.1:443"),
        ("http://1.1.1.1:8080/", "1.1.1.1:8080"),
        ("https://1.1.1.1:8443/", "1.1.1.1:8443"),
        ("http://1.1.1.1:25/", "port"),
        ("http://1.1.1.1:6379/", "port"),
        (
            "http://[2606:4700:4700::1111]/",
            "[2606:4700:4700::1111]:80",
        ),
        ("http://127.0.0.1/", "private"),
        ("http://127.1/", "private"),
        ("http://0x7f.1/", "private"),
        ("http://0177.0.0.1/", "private"),
        ("http://2130706433/", "private"),
        ("http://0/", "private"),
        ("http://127.0.0.1./", "private"),
        ("http://\u{2460}\u{2461}\u{2466}.0.0.1/", "private"),
        ("http://%31%32%37.0.0.1/", "private"),
        ("http://[::1]/", "private"),
        ("http://[::ffff:127.0.0.1]/", "private"),
        ("http://[::ffff:7f00:1]/", "private"),
        ("http://[64:ff9b::7f00:1]/", "private"),
        ("http://[fdaa::3]/", "private"),
        ("http://169.254.169.254/latest/meta-data/", "private"),
        ("http://me:secret@10.0.0.1/", "private"),
        ("http://localhost/", "private"),
        ("http://LocalHost./", "private"),
        ("http://a.localhost/", "private"),
        ("http://printer.local/", "private"),
        ("http://metadata.google.internal/", "private"),
        ("http://local/", "private"),
        ("ftp://1.1.1.1/", "scheme"),
        ("file:///etc/passwd", "scheme"),
        ("data:text/html,hello", "scheme"),
        ("ws://1.1.1.1/", "scheme"),
        ("about:blank", "scheme"),
    ] {
        let vetted = guard.vet(&url.parse().unwrap()).await;
        assert_eq!(outcome(vetted), expected, "{url}");
    }
}

#[tokio::test]
async fn hosts_are_vetted_as_a_browser_writes_them() {
    let guard = guard(&[]);
    for (host, port, expected) in [
        ("1.1.1.1", 443, "1.1.1.1:443"),
        ("1.1.1.1", 22, "port"),
        ("::ffff:1.1.1.1", 80, "[::ffff:1.1.1.1]:80"),
        ("0x7f.1", 80, "private"),
        ("2130706433", 80, "private"),
        ("0177.0.0.1", 443, "private"),
        ("::1", 80, "private"),
        ("[::1]", 80, "private"),
        ("::ffff:127.0.0.1", 80, "private"),
        ("[::ffff:127.0.0.1]", 80, "private"),
        ("LOCALHOST", 80, "private"),
        ("localhost.", 443, "private"),
        ("localhost", 5432, "private"),
        ("mail.example", 25, "port"),
        ("fe80::1%eth0", 80, "no such host"),
        ("a b", 80, "no such host"),
        ("", 80, "no such host"),
        ("a.example:80", 80, "no such host"),
    ] {
        let vetted = guard.vet_host(host, port).await;
        assert_eq!(outcome(vetted), expected, "{host} port {port}");
    }
}

#[tokio::test]
async fn an_operator_allows_hosts_and_ports() {
    for (rule, host, port, expected) in [
        ("127.0.0.1", "127.0.0.1", 5432, "127.0.0.1:5432"),
        ("127.0.0.1", "0x7f.1", 80, "127.0.0.1:80"),
        ("127.0.0.1", "127.0.0.2", 80, "private"),
        ("127.0.0.1:8080", "127.0.0.1", 8080, "127.0.0.1:8080"),
        ("127.0.0.1:8080", "127.0.0.1", 80, "private"),
        ("127.0.0.0/8", "127.9.9.9", 81, "127.9.9.9:81"),
        ("[::1]:8080", "::1", 8080, "[::1]:8080"),
        ("[::1]:8080", "::1", 80, "private"),
        ("1.1.1.1:25", "1.1.1.1", 25, "1.1.1.1:25"),
        ("1.1.1.1:25", "1.1.1.1", 26, "port"),
        // By a network, names may have its addresses, and those only.
        ("127.0.0.0/8", "localhost", 9999, "127.0.0.1:9999"),
        ("127.0.0.1:8080", "localhost", 8081, "private"),
        ("10.0.0.0/8", "localhost", 80, "private"),
    ] {
        let vetted = guard(&[rule]).vet_host(host, port).await;
        assert_eq!(outcome(vetted), expected, "{rule}: {host} port {port}");
    }
    let named = guard(&["localhost:9999"]);
    assert!(named.vet_host("localhost", 9999).await.is_ok());
    assert!(named.vet_host("localhost", 9998).await.is_err());
}

#[test]
fn the_operators_own_hosts_are_known() {
    let guard = guard(&["intranet:8080", ".corp.example", "10.0.0.0/8"]);
    for (url, expected) in [
        ("http://intranet:8080/", true),
        ("http://intranet/", false),
        ("https://wiki.corp.example/page", true),
        ("http://10.20.30.40:1234/", true),
        ("http://[::ffff:10.20.30.40]/", true),
        ("http://1.1.1.1/", false),
        ("https://a.example/", false),
        ("about:blank", false),
    ] {
        assert_eq!(guard.is_own(&url.parse().unwrap()), expected, "{url}");
    }
}

#[test]
fn a_bad_rule_is_named() {
    let error = Guard::new(&["intranet".to_owned(), "http://x".to_owned()]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`http://x` is not a host, host:port, address or network such as 10.0.0.0/8"
    );
}

#[tokio::test]
async fn without_its_rules_a_guard_knows_no_private_hosts() {
    let guard = guard(&["10.0.0.0/8", "127.0.0.1:9000", "1.1.1.1:25"]);
    for (url, expected) in [
        ("http://10.0.0.1/", "private"),
        ("http://127.0.0.1:9000/", "private"),
        ("http://1.1.1.1:25/", "port"),
        ("http://1.1.1.1/", "1.1.1.1:80"),
    ] {
        let url = url.parse().unwrap();
        let public = guard.without_rules();
        assert_eq!(outcome(public.vet(&url).await), expected, "{url}");
        assert!(guard.vet(&url).await.is_ok(), "{url}");
    }
}
