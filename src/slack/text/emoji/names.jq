# Turns emoji-data's `emoji.json` into `names.tsv`; the command is in the doc of `slack/text/emoji.rs`.
# Columns: Slack's name, the emoji, the emoji in the lightest skin tone, the emoji of two people in
# the two lightest skin tones. A column is empty where there is no such form.

def number: reduce explode[] as $c (0; . * 16 + $c - (if $c < 58 then 48 else 55 end));
def emoji: split("-") | map(number) | implode;
def tinted(key): (.skin_variations[key].unified // "") | emoji;

[.[] | . as $entry | .short_names[] as $name | $entry
  | [$name, (.unified | emoji),
     ((.skin_variations["1F3FB"] // .skin_variations["1F3FB-1F3FB"]).unified // "" | emoji),
     tinted("1F3FB-1F3FC")]]
| sort_by(.[0] | explode)[] | @tsv
