//! A picture of numbers: panels of bars, as a PNG. Slack draws no charts in messages of apps, so we
//! bring one along.
//!
//! The letters are a bitmap font with those of Western Europe; any other letter becomes a question
//! mark, which names of teams and people seldom have. A font that has more would be a hundred times
//! as large as all of this.

use std::convert::Infallible;

use embedded_graphics::mono_font::iso_8859_1::{FONT_9X15, FONT_9X18_BOLD, FONT_10X20};
use embedded_graphics::mono_font::{MonoFont, MonoTextStyle};
use embedded_graphics::pixelcolor::Gray8;
use embedded_graphics::prelude::{
    Dimensions, DrawTarget, Drawable, GrayColor, OriginDimensions, Pixel, Point, Size,
};
use embedded_graphics::primitives::{Primitive, PrimitiveStyle, Rectangle};
use embedded_graphics::text::Text;

/// A picture of several panels, two beside each other.
#[derive(Clone, Debug)]
pub(crate) struct Chart {
    /// What stands above all of them.
    pub(crate) title: String,
    /// The panels, from left to right and from top to bottom.
    pub(crate) panels: Vec<ChartPanel>,
}

/// Bars with a title.
#[derive(Clone, Debug)]
pub(crate) struct ChartPanel {
    pub(crate) title: String,
    /// The bars, from top to bottom.
    pub(crate) bars: Vec<ChartBar>,
}

#[derive(Clone, Debug)]
pub(crate) struct ChartBar {
    pub(crate) label: String,
    /// How long it is, in a unit that all bars of the panel share.
    pub(crate) value: u32,
    /// The value, as people read it.
    pub(crate) shown: String,
}

/// The colours, each by its place in the palette of the picture.
const PALETTE: [[u8; 3]; 5] = [
    [0xFF, 0xFF, 0xFF],
    [0x1D, 0x1C, 0x1D],
    [0x61, 0x60, 0x61],
    [0x12, 0x64, 0xA3],
    [0xEC, 0xEF, 0xF3],
];
const PAPER: Gray8 = Gray8::new(0);
const INK: Gray8 = Gray8::new(1);
const PALE_INK: Gray8 = Gray8::new(2);
const BAR: Gray8 = Gray8::new(3);
const BAR_GROUND: Gray8 = Gray8::new(4);

const WIDTH: u32 = 1200;
const MARGIN: u32 = 40;
/// The space between the two columns of panels.
const GUTTER: u32 = 60;
const TITLE_HEIGHT: u32 = 60;
const PANEL_TITLE_HEIGHT: u32 = 40;
const BAR_PITCH: u32 = 30;
const BAR_HEIGHT: u32 = 20;
/// Most characters of a label, and of a value beside its bar.
const LABEL_CHARS: u32 = 18;
const VALUE_CHARS: u32 = 10;

impl Chart {
    pub(crate) fn to_png(&self) -> Vec<u8> {
        let rows: Vec<&[ChartPanel]> = self.panels.chunks(2).collect();
        let heights: Vec<u32> = rows.iter().map(|panels| row_height(panels)).collect();
        let height = 2 * MARGIN + TITLE_HEIGHT + heights.iter().sum::<u32>();
        let mut canvas = Canvas::new(Size::new(WIDTH, height));
        canvas.write(&self.title, (MARGIN, MARGIN), (&FONT_10X20, INK));
        let mut top = MARGIN + TITLE_HEIGHT;
        for (panels, height) in rows.into_iter().zip(heights) {
            for (panel, column) in panels.iter().zip(0..) {
                let left = MARGIN + column * (panel_width() + GUTTER);
                canvas.draw_panel(panel, (left, top));
            }
            top += height;
        }
        canvas.to_png()
    }
}

fn panel_width() -> u32 {
    (WIDTH - 2 * MARGIN - GUTTER) / 2
}

fn row_height(panels: &[ChartPanel]) -> u32 {
    let bars = panels.iter().map(|panel| panel.bars.len()).max().unwrap_or_default();
    PANEL_TITLE_HEIGHT + BAR_PITCH * u32::try_from(bars).unwrap_or_default() + MARGIN
}

/// The picture while it is drawn: a byte for each point, with its place in the palette.
struct Canvas {
    size: Size,
    points: Vec<u8>,
}

impl OriginDimensions for Canvas {
    fn size(&self) -> Size {
        self.size
    }
}

impl DrawTarget for Canvas {
    type Color = Gray8;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<Gray8>>>(
        &mut self,
        pixels: I,
    ) -> Result<(), Infallible> {
        let bounds = self.bounding_box();
        for Pixel(point, color) in pixels.into_iter().filter(|pixel| bounds.contains(pixel.0)) {
            let (Ok(x), Ok(y)) = (u32::try_from(point.x), u32::try_from(point.y)) else { continue };
            let place = usize::try_from(y * self.size.width + x).unwrap_or(usize::MAX);
            if let Some(kept) = self.points.get_mut(place) {
                *kept = color.luma();
            }
        }
        Ok(())
    }
}

impl Canvas {
    fn new(size: Size) -> Self {
        let count = usize::try_from(size.width * size.height).unwrap_or_default();
        Self { size, points: vec![PAPER.luma(); count] }
    }

    fn draw_panel(&mut self, panel: &ChartPanel, (left, top): (u32, u32)) {
        self.write(&panel.title, (left, top), (&FONT_9X18_BOLD, INK));
        let letter = FONT_9X15.character_size.width;
        let (label, shown) = (LABEL_CHARS * letter, VALUE_CHARS * letter);
        let room = panel_width() - label - shown;
        // Each panel has a measure of its own: minutes and numbers of tickets cannot share one.
        let longest = panel.bars.iter().map(|bar| bar.value).max().unwrap_or_default().max(1);
        let mut top = top + PANEL_TITLE_HEIGHT;
        for bar in &panel.bars {
            let text_top = top + (BAR_HEIGHT - FONT_9X15.character_size.height) / 2;
            let text = cut_text(&bar.label, LABEL_CHARS - 1);
            self.write(&text, (left, text_top), (&FONT_9X15, INK));
            let length = u64::from(room) * u64::from(bar.value) / u64::from(longest);
            let length = u32::try_from(length).unwrap_or(room);
            // A bar that cannot be seen would say that there was nothing.
            let length = length.max(if bar.value > 0 { 2 } else { 0 });
            self.fill((left + label, top), (room, BAR_HEIGHT), BAR_GROUND);
            self.fill((left + label, top), (length, BAR_HEIGHT), BAR);
            let place = (left + label + room + letter, text_top);
            self.write(&cut_text(&bar.shown, VALUE_CHARS - 1), place, (&FONT_9X15, PALE_INK));
            top += BAR_PITCH;
        }
    }

    fn write(&mut self, text: &str, (x, y): (u32, u32), (font, color): (&MonoFont<'_>, Gray8)) {
        let style = MonoTextStyle::new(font, color);
        let baseline = to_point((x, y + font.baseline));
        let Ok(_end) = Text::new(text, baseline, style).draw(self);
    }

    fn fill(&mut self, place: (u32, u32), (width, height): (u32, u32), color: Gray8) {
        let area = Rectangle::new(to_point(place), Size::new(width, height));
        let Ok(()) = area.into_styled(PrimitiveStyle::with_fill(color)).draw(self);
    }

    /// The file: a picture with a palette, its rows packed as they are (PNG, second edition, §11).
    fn to_png(&self) -> Vec<u8> {
        let width = usize::try_from(self.size.width).unwrap_or(1).max(1);
        let mut rows = Vec::with_capacity(self.points.len() + self.points.len() / width);
        for row in self.points.chunks(width) {
            // Each row begins with the name of its filter: none.
            rows.push(0);
            rows.extend_from_slice(row);
        }
        let mut header = Vec::new();
        header.extend(self.size.width.to_be_bytes());
        header.extend(self.size.height.to_be_bytes());
        // Eight bits a point, a palette, and the only ways there are to pack, filter and not to weave.
        header.extend([8, 3, 0, 0, 0]);
        let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
        add_chunk(&mut png, *b"IHDR", &header);
        add_chunk(&mut png, *b"PLTE", &PALETTE.concat());
        // Level 6 is zlib's default; a picture of few colours gains nothing from more.
        add_chunk(&mut png, *b"IDAT", &miniz_oxide::deflate::compress_to_vec_zlib(&rows, 6));
        add_chunk(&mut png, *b"IEND", &[]);
        png
    }
}

fn to_point((x, y): (u32, u32)) -> Point {
    Point::new(i32::try_from(x).unwrap_or(i32::MAX), i32::try_from(y).unwrap_or(i32::MAX))
}

/// At most so many characters; what is cut ends in a dot.
fn cut_text(text: &str, most: u32) -> String {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{}.", kept.trim_end())
}

fn add_chunk(png: &mut Vec<u8>, kind: [u8; 4], data: &[u8]) {
    png.extend(u32::try_from(data.len()).unwrap_or(u32::MAX).to_be_bytes());
    let checked = png.len();
    png.extend(kind);
    png.extend(data);
    let sum = png.get(checked..).map(compute_crc).unwrap_or_default();
    png.extend(sum.to_be_bytes());
}

/// The check sum of PNG, bit by bit: a picture a week needs no table.
fn compute_crc(bytes: &[u8]) -> u32 {
    let mut sum = u32::MAX;
    for byte in bytes {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = if sum & 1 == 1 { (sum >> 1) ^ 0xEDB8_8320 } else { sum >> 1 };
        }
    }
    !sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_sum_is_that_of_the_standard() {
        // The end of every PNG file there is.
        assert_eq!(compute_crc(b"IEND"), 0xAE42_6082);
    }

    #[test]
    fn bars_are_as_long_as_their_values_and_text_stays_in_its_place() {
        let bar = |label: &str, value| ChartBar {
            label: label.to_owned(),
            value,
            shown: format!("{value} min"),
        };
        let bars = vec![bar("Ana", 40), bar(&"Maria Aparecida ".repeat(9), 20), bar("Zé", 0)];
        let panel = ChartPanel { title: "1ª resposta".to_owned(), bars };
        let mut canvas = Canvas::new(Size::new(WIDTH, 200));
        canvas.draw_panel(&panel, (MARGIN, 0));
        let row = |bar: usize| {
            let y = PANEL_TITLE_HEIGHT as usize + bar * BAR_PITCH as usize + 1;
            canvas.points[y * WIDTH as usize..][..WIDTH as usize].to_vec()
        };
        let filled =
            |bar| row(bar).into_iter().map(|point| usize::from(point == BAR.luma())).sum::<usize>();
        let room = panel_width() - (LABEL_CHARS + VALUE_CHARS) * 9;
        assert_eq!([0, 1, 2].map(filled), [room as usize, room as usize / 2, 0]);
        let right = (MARGIN + panel_width()) as usize;
        for y in 0..200 {
            let row = &canvas.points[y * WIDTH as usize..][..WIDTH as usize];
            assert!(row[right..].iter().all(|point| *point == PAPER.luma()), "row {y}");
        }
    }
}
