//! Reads Markdown: its sections, and the blocks in them with their offsets.

use std::ops::Range;

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

/// A heading and what stands below it, up to the next heading.
#[derive(Debug)]
pub(super) struct Section {
    /// The headings that lead here, its own last; empty before the first one.
    pub(super) path: Vec<String>,
    /// From its heading to the next section, in bytes.
    pub(super) range: Range<usize>,
    /// Its blocks at all depths, as indices into [`Outline::blocks`].
    pub(super) blocks: Range<usize>,
}

/// A part of the document that Markdown knows as one.
#[derive(Debug)]
pub(super) struct Block {
    /// Where it starts, in bytes.
    pub(super) start: usize,
    /// How many blocks it is in.
    pub(super) depth: usize,
    /// What it is.
    pub(super) kind: Kind,
}

/// What matters about a block when it is too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The heading of a section.
    Heading,
    /// A paragraph, or what is cut like one.
    Prose,
    /// Fenced or indented code, front matter: whole if at all possible.
    Code,
    /// A row of a table: whole if at all possible.
    Row,
    /// HTML, cut at its lines.
    Html,
    /// A list, an item, a quote, a table, a footnote: cut between its blocks.
    Container,
}

/// A document's sections in order, without gaps, and their blocks in order, a
/// block before the ones in it.
#[derive(Debug)]
pub(super) struct Outline {
    pub(super) sections: Vec<Section>,
    pub(super) blocks: Vec<Block>,
}

/// Blocks deeper than this are text to us.
const DEPTH_MAX: usize = 8;

/// Headings are repeated with each chunk, so a path shows no more of one.
const HEADING_CHARS_MAX: usize = 120;

/// Front matter that has not ended by then is none.
const FRONT_MATTER_LINES_MAX: usize = 200;

/// Reads the structure of a Markdown `text`.
pub(super) fn outline(text: &str) -> Outline {
    let front = front_matter_bytes(text);
    let mut reader = Reader::new(front);
    for (event, range) in Parser::new_ext(&text[front..], options()).into_offset_iter() {
        reader.read(event, front + range.start);
    }
    reader.finish(text.len())
}

fn options() -> Options {
    Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_HEADING_ATTRIBUTES
        | Options::ENABLE_GFM
}

/// How many bytes of front matter (`---` … `---` or `+++` … `+++`) the text
/// begins with. The parser's own option would also find it further down, where
/// it is a rule and a heading.
fn front_matter_bytes(text: &str) -> usize {
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut end = text.len() - body.len();
    let mut lines = body.split_inclusive('\n').take(FRONT_MATTER_LINES_MAX);
    let Some(fence) = lines.next() else { return 0 };
    let closing: &[&str] = match fence.trim_end() {
        "---" => &["---", "..."],
        "+++" => &["+++"],
        _ => return 0,
    };
    end += fence.len();
    for (number, line) in lines.enumerate() {
        end += line.len();
        if number == 0 && line.trim().is_empty() {
            return 0;
        }
        if closing.contains(&line.trim_end()) {
            return end;
        }
    }
    0
}

struct Reader {
    outline: Outline,
    /// The open headings' levels and texts, outermost first.
    path: Vec<(HeadingLevel, String)>,
    /// The heading being read.
    heading: Option<(HeadingLevel, String)>,
    depth: usize,
}

impl Reader {
    fn new(front: usize) -> Self {
        let blocks = match front {
            0 => Vec::new(),
            _ => vec![Block {
                start: 0,
                depth: 0,
                kind: Kind::Code,
            }],
        };
        let preamble = Section {
            path: Vec::new(),
            range: 0..0,
            blocks: 0..0,
        };
        let outline = Outline {
            sections: vec![preamble],
            blocks,
        };
        Reader {
            outline,
            path: Vec::new(),
            heading: None,
            depth: 0,
        }
    }

    fn read(&mut self, event: Event<'_>, start: usize) {
        match event {
            Event::Start(tag) => {
                if let Some(kind) = kind(&tag) {
                    if let Tag::Heading { level, .. } = tag
                        && self.depth == 0
                    {
                        self.begin_section(start);
                        self.heading = Some((level, String::new()));
                    }
                    self.push(start, kind);
                    self.depth += 1;
                }
            }
            Event::End(TagEnd::Heading(_)) => {
                self.depth -= 1;
                if self.depth == 0 {
                    self.name_section();
                }
            }
            Event::End(tag) if is_block_end(tag) => self.depth -= 1,
            Event::Rule => self.push(start, Kind::Prose),
            Event::Text(text) | Event::Code(text) => self.read_heading(&text),
            Event::SoftBreak | Event::HardBreak => self.read_heading(" "),
            _ => {}
        }
    }

    fn push(&mut self, start: usize, kind: Kind) {
        if self.depth < DEPTH_MAX {
            self.outline.blocks.push(Block {
                start,
                depth: self.depth,
                kind,
            });
        }
    }

    fn begin_section(&mut self, start: usize) {
        self.close_section(start);
        let blocks = self.outline.blocks.len()..self.outline.blocks.len();
        self.outline.sections.push(Section {
            path: Vec::new(),
            range: start..start,
            blocks,
        });
    }

    fn close_section(&mut self, end: usize) {
        let blocks_end = self.outline.blocks.len();
        if let Some(section) = self.outline.sections.last_mut() {
            section.range.end = end;
            section.blocks.end = blocks_end;
        }
    }

    fn read_heading(&mut self, text: &str) {
        if let Some((_, heading)) = &mut self.heading {
            let room = HEADING_CHARS_MAX.saturating_sub(heading.chars().count());
            heading.extend(text.chars().take(room));
        }
    }

    fn name_section(&mut self) {
        let Some((level, heading)) = self.heading.take() else {
            return;
        };
        while self.path.last().is_some_and(|(open, _)| *open >= level) {
            self.path.pop();
        }
        let words: Vec<&str> = heading.split_whitespace().collect();
        self.path.push((level, words.join(" ")));
        if let Some(section) = self.outline.sections.last_mut() {
            let named = self.path.iter().map(|(_, heading)| heading);
            section.path = named
                .filter(|heading| !heading.is_empty())
                .cloned()
                .collect();
        }
    }

    fn finish(mut self, end: usize) -> Outline {
        self.close_section(end);
        self.outline
    }
}

/// What a tag that starts a block starts; `None` for inline ones.
fn kind(tag: &Tag<'_>) -> Option<Kind> {
    Some(match tag {
        Tag::Heading { .. } => Kind::Heading,
        Tag::Paragraph => Kind::Prose,
        Tag::CodeBlock(_) => Kind::Code,
        Tag::HtmlBlock => Kind::Html,
        Tag::TableHead | Tag::TableRow => Kind::Row,
        Tag::BlockQuote(_)
        | Tag::List(_)
        | Tag::Item
        | Tag::Table(_)
        | Tag::FootnoteDefinition(_) => Kind::Container,
        _ => return None,
    })
}

fn is_block_end(tag: TagEnd) -> bool {
    matches!(
        tag,
        TagEnd::Paragraph
            | TagEnd::CodeBlock
            | TagEnd::HtmlBlock
            | TagEnd::TableHead
            | TagEnd::TableRow
            | TagEnd::BlockQuote(_)
            | TagEnd::List(_)
            | TagEnd::Item
            | TagEnd::Table
            | TagEnd::FootnoteDefinition
    )
}
