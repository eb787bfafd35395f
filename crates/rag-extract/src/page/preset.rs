//! Where the generators of documentation put the content of a page. A page is
//! known by what its generator leaves in it, not by where it is.

use std::collections::HashSet;

use dom_query::{Document, NodeRef};

/// How one generator lays a page out.
pub(super) struct Preset {
    /// Its name, as it is told to callers.
    pub(super) name: &'static str,
    /// How its `generator` meta element begins, in lower case; empty: it has none.
    generator: &'static str,
    /// What only its pages have; empty: nothing is as telling as the generator.
    telling: &'static str,
    /// Where the content is. The first selector that finds any counts, with all
    /// that it finds.
    content: &'static [&'static str],
    /// What is no content in there.
    drop: &'static str,
}

/// What no generator means to be read.
const DROP_ALWAYS: &str = "nav, script, style, noscript, template, form, button:not([role='tab']), dialog, \
    [role='navigation'], [role='search'], .visually-hidden, .sr-only, .skip-link, \
    .breadcrumb, .breadcrumbs, .pagination, .prev-next, .edit-link, .edit-this-page, .feedback";

/// All presets. Themes come before the generators that they run on.
const PRESETS: &[Preset] = &[
    Preset {
        name: "github",
        generator: "",
        telling: "meta[name='hostname'][content='github.com'], \
            meta[property='og:site_name'][content='GitHub']",
        content: &[
            "article.markdown-body",
            ".js-comment-body, .comment-body, [data-testid='markdown-body']",
            ".markdown-body",
            ".blob-wrapper table, table.js-file-line-container, .js-blob-code-container",
        ],
        drop: "clipboard-copy, .zeroclipboard-container, .octicon, .gh-header-sticky",
    },
    Preset {
        name: "docusaurus",
        generator: "docusaurus",
        telling: ".theme-doc-markdown, #__docusaurus",
        content: &[
            ".theme-doc-markdown",
            "main article .markdown",
            "main article",
            "main",
        ],
        drop: ".theme-doc-footer, .pagination-nav, .theme-doc-breadcrumbs, \
            .theme-doc-toc-mobile, .theme-doc-version-banner, .theme-doc-version-badge, \
            .theme-edit-this-page, .table-of-contents, .theme-unlisted-banner",
    },
    Preset {
        name: "starlight",
        generator: "starlight",
        telling: ".sl-markdown-content",
        content: &["main h1#_top, .sl-markdown-content"],
        drop: ".pagination-links, .meta, starlight-toc, .expressive-code .copy",
    },
    Preset {
        name: "vitepress",
        generator: "vitepress",
        telling: ".VPDoc, #VPContent",
        content: &[".vp-doc", "#VPContent main"],
        drop: ".VPDocFooter, .VPDocAside, .line-numbers-wrapper, \
            div[class*='language-'] > span.lang",
    },
    Preset {
        name: "vuepress",
        generator: "vuepress",
        telling: ".theme-default-content, [vp-content], .theme-hope-content",
        content: &[".theme-default-content, [vp-content], .theme-hope-content"],
        drop: ".page-meta, .page-nav, .page-edit, .table-of-contents, .line-numbers, \
            .line-numbers-wrapper",
    },
    Preset {
        name: "mkdocs",
        generator: "mkdocs",
        telling: "article.md-content__inner, .md-main, \
            body.wy-body-for-nav link[href$='theme_extra.css']",
        content: &[
            "article.md-content__inner",
            ".rst-content [role='main'] .section",
            "[role='main']",
            "main",
        ],
        drop: ".md-content__button, .md-source-file, .md-feedback, .md-clipboard, .md-nav, \
            .md-tags, .rst-footer-buttons",
    },
    Preset {
        name: "mdbook",
        generator: "mdbook",
        telling: "#page-wrapper.page-wrapper #content.content main, \
            .page-wrapper .content > main + .nav-wrapper",
        content: &["#content main", ".content > main"],
        drop: ".nav-wrapper, .nav-wide-wrapper, .mobile-nav-chapters, .buttons, pre .boring",
    },
    Preset {
        name: "rustdoc",
        generator: "rustdoc",
        telling: "body.rustdoc, rustdoc-topbar, #rustdoc_body_wrapper",
        content: &["#main-content", "section.content"],
        drop: ".sidebar, .src, .srclink, .out-of-band, #copy-path, .rustdoc-breadcrumbs, \
            .hideme, .notable-traits, .tooltip, rustdoc-toolbar, #synthetic-implementations, \
            #synthetic-implementations-list, #blanket-implementations, \
            #blanket-implementations-list, [data-nosnippet]",
    },
    Preset {
        name: "javadoc",
        generator: "javadoc",
        telling: "meta[name='dc.created'] ~ link[href$='stylesheet.css'][title='Style'], \
            body.class-declaration-page, body.package-declaration-page",
        content: &[
            "main",
            "[role='main']",
            "body > .header, body > .contentContainer",
            ".contentContainer",
        ],
        drop: ".sub-nav, .subNav, .topNav, .bottomNav, .toc, .skip-nav, .copy-to-clipboard",
    },
    Preset {
        name: "mintlify",
        generator: "mintlify",
        telling: "#content-area #content.mdx-content, #content-area .mdx-content",
        content: &[
            "#content-area header h1, #content-area #content",
            "#content-area",
        ],
        drop: "#pagination, .feedback-toolbar, #table-of-contents, [data-fade-in]",
    },
    Preset {
        name: "nextra",
        generator: "nextra",
        telling: ".nextra-content, .nextra-body, .nextra-toc, .nextra-navbar",
        content: &[
            "main .nextra-content main",
            "main[data-pagefind-body]",
            "article main",
            "main",
            "article",
        ],
        drop: ".nextra-breadcrumb, .nextra-toc",
    },
    Preset {
        name: "gitbook",
        generator: "gitbook",
        telling: "section.markdown-section, .gitbook-root, body.gitbook",
        content: &["section.markdown-section", "main"],
        drop: "header nav, .page-footer, .search-results, [data-testid='page-footer']",
    },
    Preset {
        name: "docsy",
        generator: "",
        telling: ".td-content",
        content: &[".td-content"],
        drop: ".td-page-meta, .td-toc, .feedback--title, .feedback--response, \
            .td-page-meta__lastmod, #pre-footer, .reading-time",
    },
    Preset {
        name: "just-the-docs",
        generator: "",
        telling: "#main-content-wrap, .main-content-wrap",
        content: &["#main-content-wrap main", "#main-content", ".main-content"],
        drop: ".breadcrumb-nav, #back-to-top, #edit-this-page",
    },
    Preset {
        name: "sphinx",
        generator: "sphinx",
        telling: "script#documentation_options, .sphinxsidebar, .rst-content, article.bd-article, \
            article#furo-main-content, div.documentwrapper div.bodywrapper, \
            link[rel='stylesheet'][href*='_static/pygments.css']",
        content: &[
            "[itemprop='articleBody']",
            "article.bd-article",
            "article#furo-main-content",
            "div.body[role='main']",
            "div.documentwrapper div.body",
            "[role='main']",
            "main article",
            "main",
        ],
        drop: ".sphinxsidebar, .related, .wy-breadcrumbs, .rst-footer-buttons, .prev-next-area, \
            .contents.topic, .contents.local, .viewcode-link, .copybtn, .rst-versions, \
            .back-to-top, .ethical-rtd, .ethical-sidebar, a.source-link",
    },
    Preset {
        name: "doxygen",
        generator: "doxygen",
        telling: "",
        content: &["div.header .title, div.contents"],
        drop: ".permalink, .dynheader, .dyncontent, .memSeparator, .ttc, .lineno, .summary, \
            .navpath",
    },
    Preset {
        name: "antora",
        generator: "antora",
        telling: "article.doc .sect1, main > .toolbar + .content article.doc",
        content: &["article.doc"],
        drop: ".pagination, .toc, .conums .fa, .source-toolbox",
    },
    Preset {
        name: "mdn",
        generator: "",
        telling: "meta[property='og:site_name'][content^='MDN'], \
            meta[name='og:site_name'][content^='MDN']",
        content: &[
            ".reference-layout__header > h1, .reference-layout__header > section, \
                .reference-layout__body",
            "article.main-page-content",
            "main article",
        ],
        drop: ".article-footer, .on-github, .metadata, .baseline-indicator, .bc-table, \
            .bc-legend, .reference-toc, .reference-layout__toc, mdn-compat-table, \
            mdn-compat-table-lazy",
    },
    Preset {
        name: "devsite",
        generator: "",
        telling: "devsite-content .devsite-article-body",
        content: &["h1.devsite-page-title, .devsite-article-body"],
        drop: "devsite-feedback, devsite-toc, devsite-actions, devsite-bookmark, \
            devsite-thumb-rating, devsite-recommendations, .devsite-article-meta, \
            .devsite-page-title-meta",
    },
    Preset {
        name: "awsdocs",
        generator: "",
        telling: "awsdocs-page-header, awsdocs-toc",
        content: &["#main-col-body"],
        drop: "awsdocs-copyright, awsdocs-page-utilities, awsdocs-thumb-feedback, \
            awsdocs-language-banner, awsdocs-filter-selector, #doc-conventions, .prev-next, \
            .awsdocs-note-dismiss, awsdocs-page-header",
    },
    Preset {
        name: "typedoc",
        generator: "typedoc",
        telling: ".tsd-page-title, .tsd-signature",
        content: &[".col-content, .col-8.col-content"],
        drop: ".tsd-breadcrumb, .tsd-anchor-icon, .tsd-widget, .tsd-sources",
    },
    Preset {
        name: "exdoc",
        generator: "exdoc",
        telling: "",
        content: &["#content", "#top-content, #moduledoc"],
        drop: ".hover-link, .bottom-actions, .icon-action, .top-search, .detail-link, footer",
    },
    Preset {
        name: "readme",
        generator: "",
        telling: ".rm-Article, .rm-Markdown",
        content: &[".rm-Article", ".rm-Markdown"],
        drop: ".rm-Pagination, .PageThumbs, .UpdatedAt",
    },
    Preset {
        name: "mediawiki",
        generator: "mediawiki",
        telling: "",
        content: &[
            "#firstHeading, .mw-parser-output",
            "#firstHeading, #mw-content-text",
            "#content",
        ],
        drop: ".mw-editsection, .navbox, .toc, #toc, .mw-jump-link, .noprint, .metadata, \
            .catlinks, .sistersitebox, .ambox, .mw-cite-backlink, .printfooter, .vector-toc, \
            .mw-empty-elt, .hatnote, .navigation-not-searchable, .reflist, .mw-references-wrap",
    },
];

/// The preset whose generator made the page.
pub(super) fn preset_of(document: &Document) -> Option<&'static Preset> {
    let generators: Vec<String> = document
        .select("meta[name='generator' i][content]")
        .nodes()
        .iter()
        .map(|meta| meta.attr_or("content", "").trim().to_ascii_lowercase())
        .collect();
    let is_named = |preset: &&Preset| {
        !preset.generator.is_empty()
            && generators
                .iter()
                .any(|name| name.starts_with(preset.generator))
    };
    let is_told =
        |preset: &&Preset| !preset.telling.is_empty() && document.select(preset.telling).exists();
    PRESETS
        .iter()
        .find(is_named)
        .or_else(|| PRESETS.iter().find(is_told))
}

impl Preset {
    /// The content, without what is none in there; nothing when this generator
    /// was made to lay pages out in another way.
    pub(super) fn content(&self, document: &Document) -> Option<Document> {
        let found = self.content.iter().find_map(|selector| {
            let html = outer_html(document.select(selector).nodes());
            (!html.is_empty()).then_some(html)
        })?;
        let content = Document::fragment(found);
        content.select(DROP_ALWAYS).remove();
        content.select(self.drop).remove();
        Some(content)
    }
}

/// The HTML of those of the nodes that are not in another of them.
pub(super) fn outer_html(nodes: &[NodeRef]) -> String {
    let ids: HashSet<_> = nodes.iter().map(|node| node.id).collect();
    let is_outermost =
        |node: &&NodeRef| !node.ancestors_it(None).any(|other| ids.contains(&other.id));
    let outermost = nodes.iter().filter(is_outermost);
    outermost.map(|node| node.html().to_string()).collect()
}

#[cfg(test)]
mod tests {
    use dom_query::Matcher;

    use super::*;

    #[test]
    fn every_selector_is_one() {
        let mut names = HashSet::new();
        for preset in PRESETS {
            assert!(names.insert(preset.name), "{} is there twice", preset.name);
            assert!(!preset.generator.is_empty() || !preset.telling.is_empty());
            let selectors = preset.content.iter().chain([&preset.drop, &preset.telling]);
            for selector in selectors.filter(|selector| !selector.is_empty()) {
                assert!(
                    Matcher::new(selector).is_ok(),
                    "{}: {selector}",
                    preset.name
                );
            }
        }
        assert!(Matcher::new(DROP_ALWAYS).is_ok());
    }
}
