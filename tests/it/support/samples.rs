//! Small files that are what they say, made here.

/// A name, a MIME type and bytes.
pub type Sample = (&'static str, &'static str, Vec<u8>);

/// One of each kind that customers send.
pub fn all() -> Vec<Sample> {
    vec![
        ("foto.png", "image/png", png()),
        ("recado.ogg", "audio/ogg", ogg()),
        ("festa.mp4", "video/mp4", mp4()),
        ("contrato.pdf", "application/pdf", pdf()),
        ("fotos.zip", "application/zip", zip()),
        ("página.html", "text/html", b"<!DOCTYPE html><html><p>oi".to_vec()),
    ]
}

/// A picture of one red dot.
pub fn png() -> Vec<u8> {
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut chunk = |kind: &[u8; 4], data: &[u8]| {
        let body = [kind.as_slice(), data].concat();
        file.extend(be32(data.len()));
        file.extend(&body);
        file.extend(crc32(&body, 0xedb8_8320, true).to_be_bytes());
    };
    chunk(b"IHDR", &[0, 0, 0, 1, 0, 0, 0, 1, 8, 2, 0, 0, 0]);
    // One stored block of deflate: no filter, then the dot.
    chunk(b"IDAT", &[0x78, 1, 1, 4, 0, 0xfb, 0xff, 0, 0xff, 0, 0, 3, 1, 1, 0]);
    chunk(b"IEND", &[]);
    file
}

/// An Ogg stream with the head and the tags of Opus.
pub fn ogg() -> Vec<u8> {
    let head = b"OpusHead\x01\x01\x38\x01\x80\xbb\x00\x00\x00\x00\x00";
    let tags = b"OpusTags\x04\x00\x00\x00test\x00\x00\x00\x00";
    [ogg_page(2, 0, head), ogg_page(4, 1, tags)].concat()
}

fn ogg_page(flags: u8, number: u8, packet: &[u8]) -> Vec<u8> {
    let mut page = b"OggS\0".to_vec();
    page.push(flags);
    page.extend([0; 8]);
    page.extend([1, 0, 0, 0, number, 0, 0, 0, 0, 0, 0, 0, 1, u8::try_from(packet.len()).unwrap()]);
    page.extend(packet);
    let mark = crc32(&page, 0x04c1_1db7, false).to_le_bytes();
    page.splice(22..26, mark);
    page
}

/// A film without pictures.
pub fn mp4() -> Vec<u8> {
    let atom =
        |kind: &[u8; 4], data: &[u8]| [&be32(data.len() + 8), kind.as_slice(), data].concat();
    let mut header = vec![0; 100];
    header[12..16].copy_from_slice(&1000_u32.to_be_bytes());
    header[20..24].copy_from_slice(&0x0001_0000_u32.to_be_bytes());
    let moov = atom(b"moov", &atom(b"mvhd", &header));
    [atom(b"ftyp", b"isom\0\0\x02\0isomiso2mp41"), moov, atom(b"mdat", &[])].concat()
}

/// A document with one empty page.
pub fn pdf() -> Vec<u8> {
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>\
    endobj\n3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
        .to_vec()
}

/// An archive with nothing in it.
pub fn zip() -> Vec<u8> {
    [b"PK\x05\x06".as_slice(), &[0; 18]].concat()
}

/// Bytes that look like no file, each different from its neighbours.
pub fn bytes(count: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(7);
    let mut bytes = vec![0; count];
    random.fill(&mut bytes);
    bytes
}

fn be32(number: usize) -> [u8; 4] {
    u32::try_from(number).unwrap().to_be_bytes()
}

/// The check sum of PNG (bits reversed) or of Ogg.
fn crc32(bytes: &[u8], polynomial: u32, reversed: bool) -> u32 {
    let step = |sum: u32| {
        if reversed {
            (sum >> 1) ^ if sum & 1 == 1 { polynomial } else { 0 }
        } else {
            (sum << 1) ^ if sum >> 31 == 1 { polynomial } else { 0 }
        }
    };
    let mut sum = if reversed { u32::MAX } else { 0 };
    for byte in bytes {
        sum ^= if reversed { u32::from(*byte) } else { u32::from(*byte) << 24 };
        sum = (0..8).fold(sum, |sum, _| step(sum));
    }
    if reversed { !sum } else { sum }
}

/// How large a large file is: 20 MB, or what `MEDIA_TEST_MB` says.
#[expect(clippy::disallowed_methods, reason = "no setting of the bridge, but one of its tests")]
pub fn megabytes() -> usize {
    std::env::var("MEDIA_TEST_MB").ok().and_then(|count| count.parse().ok()).unwrap_or(20)
}
