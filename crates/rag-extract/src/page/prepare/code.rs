//! Code blocks: the code and nothing but the code, with its language.

use dom_query::{Document, NodeRef};

/// Line numbers, buttons and labels in and beside code.
const NO_CODE: &str = "td.linenos, td.lineno, td.gutter, td.rouge-gutter, td.blob-num, \
    td.hljs-ln-numbers, pre .linenos, pre .lineno, pre .linenumber, pre .line-number, \
    pre .line-numbers, pre .line-numbers-rows, pre .gutter, pre .ln, pre .lnt, pre .react-syntax-highlighter-line-number, \
    pre button, pre .copy-button, pre .copybtn, pre .boring, .linenodiv, .ec-line .gutter";

/// Cells of tables that hold nothing but code.
const CODE_CELLS: &str = "td.code, td.blob-code, td.rouge-code, td.hljs-ln-code, td.crayon-code";

/// How classes begin that end with a language's name.
const PREFIXES: &[&str] = &[
    "language-",
    "lang-",
    "mw-highlight-lang-",
    "highlight-source-",
    "highlight-text-",
    "highlight-",
    "brush:",
];

/// Classes that are a language's name by themselves.
const LANGUAGES: &[&str] = &[
    "bash",
    "c",
    "console",
    "cpp",
    "csharp",
    "css",
    "dart",
    "diff",
    "dockerfile",
    "elixir",
    "erlang",
    "go",
    "graphql",
    "groovy",
    "haskell",
    "html",
    "http",
    "ini",
    "java",
    "javascript",
    "js",
    "json",
    "jsx",
    "julia",
    "kotlin",
    "latex",
    "lua",
    "makefile",
    "objc",
    "ocaml",
    "perl",
    "php",
    "powershell",
    "python",
    "r",
    "rb",
    "ruby",
    "rust",
    "scala",
    "sh",
    "shell",
    "sql",
    "swift",
    "toml",
    "ts",
    "tsx",
    "typescript",
    "xml",
    "yaml",
    "yml",
    "zig",
];

/// Names that say no language.
const NO_LANGUAGES: &[&str] = &[
    "block",
    "default",
    "lines",
    "none",
    "nohighlight",
    "no-highlight",
    "plain",
    "plaintext",
    "text",
    "txt",
    "wrapper",
    "xl",
    "unknown",
    "undefined",
];

/// Makes `<pre><code class="language-…">` of every code block.
pub(super) fn rewrite(document: &Document) {
    document.select(NO_CODE).remove();
    for cell in document.select(CODE_CELLS).nodes() {
        let ancestors = cell.ancestors(None);
        let table = ancestors.iter().find(|node| node.has_name("table"));
        let in_code = ancestors.iter().any(|node| node.has_name("pre"));
        if let Some(table) = table.filter(|_| !in_code) {
            table.rename("pre");
        }
    }
    document
        .select("xmp, listing, plaintext, div.fragment")
        .rename("pre");
    document.select("tt, samp, kbd").rename("code");
    for block in document.select("pre").nodes() {
        if block.ancestors_it(None).any(|node| node.has_name("pre")) {
            continue;
        }
        // A figure is taken for a picture, and left out with its caption.
        let around = block.ancestors(Some(4));
        for figure in around.iter().filter(|node| node.has_name("figure")) {
            figure.rename("div");
        }
        let mut code = String::new();
        push_code(block, &mut code);
        let code = code.trim_start_matches(['\n', '\r']).trim_end();
        if code.trim().is_empty() {
            block.remove_from_parent();
            continue;
        }
        let element = block.tree.new_element("code");
        if let Some(language) = language_of(block) {
            element.set_attr("class", &format!("language-{language}"));
        }
        element.set_text(code);
        block.remove_all_attrs();
        block.remove_children();
        block.append_child(&element);
    }
}

/// Adds the text of a code block, where blocks in it and `br` end lines.
fn push_code(node: &NodeRef, code: &mut String) {
    for child in node.children_it(false) {
        if child.is_text() {
            code.push_str(&child.text());
        } else if child.has_name("br") {
            code.push('\n');
        } else if child.is_element() && !child.has_name("script") && !child.has_name("style") {
            let before = code.len();
            push_code(&child, code);
            let is_unended = !code.ends_with('\n');
            if is_block(&child) && (code.len() == before || is_unended) {
                code.push('\n');
            } else if is_unended && is_line(&child) {
                // Lines that are told by their class stand beside each other,
                // with nothing in between.
                let next = child.next_sibling();
                if next.is_some_and(|next| next.is_element() && is_line(&next)) {
                    code.push('\n');
                }
            }
        }
    }
}

fn is_block(node: &NodeRef) -> bool {
    ["div", "p", "li", "tr"]
        .iter()
        .any(|name| node.has_name(name))
}

fn is_line(node: &NodeRef) -> bool {
    ["line", "code-line", "token-line", "view-line", "cl"]
        .iter()
        .any(|class| node.has_class(class))
        || node.has_name("code")
}

/// The language that a block, its `code` or what is around it names.
fn language_of(block: &NodeRef) -> Option<String> {
    let inner = block
        .descendants_it()
        .filter(|node| node.has_name("code") || node.has_name("pre"))
        .take(2);
    let around = block
        .ancestors_it(Some(4))
        .take_while(|node| !node.has_name("body"));
    std::iter::once(*block)
        .chain(inner)
        .chain(around)
        .find_map(|node| named_language(&node))
}

fn named_language(node: &NodeRef) -> Option<String> {
    let class = node
        .attr_or("class", "")
        .to_ascii_lowercase()
        .replace(": ", ":");
    let by_prefix = class.split_ascii_whitespace().find_map(|word| {
        let name = PREFIXES
            .iter()
            .find_map(|prefix| word.strip_prefix(prefix))?;
        valid_language(name)
    });
    let by_attribute = || {
        let value = node
            .attr("data-lang")
            .or_else(|| node.attr("data-language"));
        let value = value.or_else(|| node.attr("lang").filter(|_| node.has_name("pre")));
        valid_language(&value?.to_ascii_lowercase())
    };
    let by_itself = || {
        let is_code = node.has_name("pre") || node.has_name("code");
        let mut words = class.split_ascii_whitespace().filter(|_| is_code);
        words
            .find(|word| LANGUAGES.contains(word))
            .map(str::to_owned)
    };
    by_prefix.or_else(by_attribute).or_else(by_itself)
}

fn valid_language(name: &str) -> Option<String> {
    let name = name.trim_matches([';', ',', '"', '\'']);
    let name = name.strip_prefix("source-").unwrap_or(name);
    let is_name = (1..=20).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-#._".contains(&byte));
    (is_name && !NO_LANGUAGES.contains(&name)).then(|| name.to_owned())
}
