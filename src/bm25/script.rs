//! Scripts that are written without spaces between words.
//!
//! Hangul is among them: its words have spaces, but what is looked for stands before a particle that is written on to
//! it. Invariant: sorted, so that a character is found by bisection.

/// First and last character of each block.
const BLOCKS: [(char, char); 32] = [
    ('\u{0e00}', '\u{0fff}'),   // Thai, Lao, Tibetan
    ('\u{1000}', '\u{109f}'),   // Myanmar
    ('\u{1100}', '\u{11ff}'),   // Hangul Jamo
    ('\u{1780}', '\u{17ff}'),   // Khmer
    ('\u{1950}', '\u{19ff}'),   // Tai Le, New Tai Lue, Khmer symbols
    ('\u{1a20}', '\u{1aaf}'),   // Tai Tham
    ('\u{1b00}', '\u{1b7f}'),   // Balinese
    ('\u{2e80}', '\u{2fdf}'),   // Han radicals
    ('\u{3005}', '\u{3007}'),   // Han iteration mark, closing mark, zero
    ('\u{3021}', '\u{3029}'),   // Hangzhou numerals
    ('\u{3031}', '\u{3035}'),   // Kana repeat marks
    ('\u{3038}', '\u{303c}'),   // Hangzhou numerals, masu
    ('\u{3041}', '\u{30ff}'),   // Hiragana, Katakana
    ('\u{3105}', '\u{318e}'),   // Bopomofo, Hangul compatibility Jamo
    ('\u{3192}', '\u{3195}'),   // Kanbun numbers
    ('\u{31a0}', '\u{31bf}'),   // Bopomofo
    ('\u{31f0}', '\u{31ff}'),   // Katakana
    ('\u{3400}', '\u{4dbf}'),   // Han
    ('\u{4e00}', '\u{9fff}'),   // Han
    ('\u{a000}', '\u{a4cf}'),   // Yi
    ('\u{a960}', '\u{a97f}'),   // Hangul Jamo
    ('\u{a980}', '\u{a9ff}'),   // Javanese, Myanmar
    ('\u{aa60}', '\u{aadf}'),   // Myanmar, Tai Viet
    ('\u{ac00}', '\u{d7ff}'),   // Hangul syllables, Jamo
    ('\u{f900}', '\u{faff}'),   // Han, compatibility
    ('\u{ff66}', '\u{ffdc}'),   // Katakana and Hangul of half width
    ('\u{11700}', '\u{1174f}'), // Ahom
    ('\u{11f00}', '\u{11f5f}'), // Kawi
    ('\u{16fe0}', '\u{18dff}'), // Tangut, Khitan
    ('\u{1aff0}', '\u{1b2ff}'), // Kana, Nushu
    ('\u{1f200}', '\u{1f200}'), // Square Hiragana
    ('\u{20000}', '\u{3ffff}'), // Han
];

/// Returns whether a letter or number belongs to such a script.
pub(super) fn is_unspaced(c: char) -> bool {
    let before = BLOCKS.partition_point(|(_, last)| *last < c);
    BLOCKS.get(before).is_some_and(|(first, _)| *first <= c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_blocks_ascend() {
        assert!(BLOCKS.windows(2).all(|pair| pair[0].1 < pair[1].0) && BLOCKS.iter().all(|(a, b)| a <= b));
        assert!(
            "日本語しりとりカタカナー々게임ไทยລາວខ្មែរမြန်མာ權威ꀀ𠀀"
                .chars()
                .filter(|c| c.is_alphanumeric())
                .all(is_unspaced)
        );
        assert!(!"aé9_ЖΩאعहिन्दीதமிழ்ქართული".chars().any(is_unspaced));
    }
}
