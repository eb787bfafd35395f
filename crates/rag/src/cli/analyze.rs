//! `rag analyze`: what a site has, before it is crawled.

use std::process::ExitCode;

use clap::Args;
use rag_memory::api::{AnalyzeWebsite, WebsiteAnalysis};

use super::context::Context;
use super::output::{counted, table, warnings};

/// Which site.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rag analyze https://docs.example.org
  rag analyze https://docs.example.org --include-urls --max-urls 50")]
pub(super) struct AnalyzeArgs {
    /// The root of the site
    url: String,
    /// List the pages, too
    #[arg(long)]
    include_urls: bool,
    /// The most pages listed of each path, 1 to 1000
    #[arg(
        long,
        value_name = "N",
        default_value_t = 10,
        allow_negative_numbers = true
    )]
    max_urls: i64,
    /// Seconds a request may take, 1 to 60
    #[arg(
        long,
        value_name = "S",
        default_value_t = 10,
        allow_negative_numbers = true
    )]
    timeout: i64,
}

pub(super) async fn run(context: &Context, args: AnalyzeArgs) -> anyhow::Result<ExitCode> {
    let request = AnalyzeWebsite {
        timeout: args.timeout,
        include_url_lists: args.include_urls,
        max_urls_per_pattern: args.max_urls,
        ..AnalyzeWebsite::new(args.url)
    };
    let analysis = context.memory()?.analyze_website(request).await?;
    context.show(&analysis, human)
}

fn human(analysis: &WebsiteAnalysis) -> String {
    let by = match analysis.analysis_method.as_str() {
        "sitemap" => "by its sitemaps",
        "llms_txt" => "by its llms.txt",
        _ => "since it has no sitemap",
    };
    let pages = counted(analysis.total_urls as u64, "page");
    let mut text = format!("{}: {pages} known {by}", analysis.base_url);
    if analysis.crawling_forbidden {
        text += "\nrobots.txt forbids crawling it";
    }
    if let Some(delay) = analysis.crawl_delay {
        text += &format!("\nrobots.txt asks to wait {delay} s between two pages");
    }
    if let Some(offer) = &analysis.llms_txt {
        let links = counted(offer.link_count as u64, "page");
        text += &format!("\n{} offers {links}", offer.url);
    }
    if analysis.domains.len() > 1 {
        text += &format!("\nhosts: {}", analysis.domains.join(", "));
    }
    if !analysis.patterns.is_empty() {
        let heading = ["PATH", "PAGES", "DEPTH", "EXAMPLE"];
        text += &format!("\n\n{}", table(&heading, &patterns(analysis)));
    }
    for (pattern, urls) in analysis.url_groups.iter().flatten() {
        text += &format!("\n\n{pattern}\n  {}", urls.join("\n  "));
    }
    if !analysis.notes.is_empty() {
        text += &format!("\n\n{}", analysis.notes);
    }
    text + &warnings(&analysis.warnings)
}

/// A row for each first part of a path, most pages first.
fn patterns(analysis: &WebsiteAnalysis) -> Vec<Vec<String>> {
    let row = |pattern: &String| {
        let stats = analysis.pattern_stats.get(pattern)?;
        Some(vec![
            pattern.clone(),
            stats.count.to_string(),
            format!("{:.1}", stats.avg_depth),
            stats.example_urls.first().cloned().unwrap_or_default(),
        ])
    };
    analysis.patterns.iter().filter_map(row).collect()
}
