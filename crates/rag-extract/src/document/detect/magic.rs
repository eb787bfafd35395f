//! The beginnings of formats that are known but not read.

/// Where they are, what they are, and what that tells.
const BEGINNINGS: &[(usize, &[u8], &str)] = &[
    (0, b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (0, b"\xff\xd8\xff", "a JPEG image"),
    (0, b"GIF87a", "a GIF image"),
    (0, b"GIF89a", "a GIF image"),
    (0, b"II*\0", "a TIFF image"),
    (0, b"MM\0*", "a TIFF image"),
    (0, b"\0\0\x01\0", "an icon"),
    (0, b"8BPS", "a Photoshop image"),
    (8, b"WEBP", "a WebP image"),
    (8, b"WAVE", "a WAV recording"),
    (8, b"AVI ", "an AVI film"),
    (4, b"ftypavif", "an AVIF image"),
    (4, b"ftyphei", "a HEIC image"),
    (4, b"ftyp", "an MP4 film"),
    (0, b"\x1aE\xdf\xa3", "a Matroska film"),
    (0, b"OggS", "an Ogg recording"),
    (0, b"fLaC", "a FLAC recording"),
    (0, b"ID3", "an MP3 recording"),
    (0, b"\xff\xfb", "an MP3 recording"),
    (0, b"MThd\0\0\0\x06", "a MIDI recording"),
    (0, b"\x7fELF", "a program"),
    (0, b"\xcf\xfa\xed\xfe", "a program"),
    (0, b"\xce\xfa\xed\xfe", "a program"),
    (0, b"\xfe\xed\xfa\xcf", "a program"),
    (0, b"\xca\xfe\xba\xbe", "a compiled class"),
    (0, b"\0asm", "a WebAssembly program"),
    (0, b"!<arch>\n", "a library or package of programs"),
    (0, b"SQLite format 3\0", "an SQLite database"),
    (0, b"wOFF", "a font"),
    (0, b"wOF2", "a font"),
    (0, b"OTTO\0", "a font"),
    (0, b"\0\x01\0\0\0", "a font"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (0, b"Rar!\x1a\x07", "a RAR archive"),
    (0, b"\xfd7zXZ\0", "an xz archive"),
    (0, b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
    (4, b"1AY&SY", "a bzip2 archive"),
    (0, b"MSCF\0\0\0\0", "a cabinet archive"),
    (0, b"AT&TFORM", "a DjVu document"),
    (0, b"PAR1", "a Parquet table"),
    (0, b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (0, b"\x93NUMPY", "a NumPy array"),
    (0, b"PACK\0\0\0", "a Git pack"),
];

/// How far into a Windows program a NUL byte must be.
const PROGRAM_HEADER_BYTES: usize = 64;

/// What bytes that begin with `head` are, if that is known and has no text.
pub(super) fn unsupported(head: &[u8]) -> Option<&'static str> {
    let begins = |at: usize, bytes: &[u8]| {
        head.get(at..)
            .is_some_and(|rest: &[u8]| rest.starts_with(bytes))
    };
    let known = BEGINNINGS.iter().find(|(at, bytes, _)| begins(*at, bytes));
    if let Some((_, _, what)) = known {
        return Some(what);
    }
    // Two letters may as well begin a text.
    let has_nul = head
        .iter()
        .take(PROGRAM_HEADER_BYTES)
        .any(|&byte| byte == 0);
    match head {
        [b'M', b'Z', ..] if has_nul => Some("a program"),
        [b'B', b'M', ..] if has_nul => Some("a bitmap image"),
        _ => None,
    }
}
