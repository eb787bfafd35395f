//! What a path's extension says about what is there.

/// Extensions of what is plainly no document, by what it is.
const NO_DOCUMENTS: &[(&str, &[&str])] = &[
    (
        "an image",
        &[
            "apng", "avif", "bmp", "eps", "gif", "heic", "ico", "jpeg", "jpg", "png", "psd", "svg",
            "tif", "tiff", "webp",
        ],
    ),
    (
        "a part of a page",
        &[
            "css",
            "js",
            "less",
            "map",
            "mjs",
            "scss",
            "wasm",
            "webmanifest",
        ],
    ),
    ("a font", &["eot", "otf", "ttf", "woff", "woff2"]),
    (
        "sound or video",
        &[
            "aac", "avi", "flac", "m3u8", "m4a", "m4v", "mkv", "mov", "mp3", "mp4", "mpeg", "mpg",
            "oga", "ogg", "ogv", "opus", "wav", "webm", "wma", "wmv",
        ],
    ),
    (
        "an archive",
        &[
            "7z", "bz2", "cab", "gz", "lz4", "rar", "tar", "tbz2", "tgz", "txz", "xz", "zip", "zst",
        ],
    ),
    (
        "software",
        &[
            "apk", "appimage", "bin", "class", "crate", "crx", "deb", "dll", "dmg", "exe", "gem",
            "img", "ipa", "iso", "jar", "msi", "nupkg", "pkg", "rpm", "so", "war", "whl", "xpi",
        ],
    ),
];

/// Why what is at `path` is no document, if its extension tells.
pub(super) fn no_document(path: &str) -> Option<&'static str> {
    let name = path.rsplit('/').next()?;
    let (_, extension) = name.rsplit_once('.')?;
    let extension = extension.to_ascii_lowercase();
    NO_DOCUMENTS
        .iter()
        .find(|(_, extensions)| extensions.contains(&extension.as_str()))
        .map(|&(reason, _)| reason)
}
