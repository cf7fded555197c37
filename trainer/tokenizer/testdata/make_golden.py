"""Makes the golden files of package tokenizer with the reference library (pip install tokenizers==0.23.3).

    python3 make_golden.py OUT_DIR [EXTRA_TEXT ...]

All texts below were written for this purpose. OUT_DIR/lines.json.gz holds the lines; each OUT_DIR/<name>.json.gz a
tokenizer that the reference trained on them and what it makes of each line: ids, where each token begins, its length
in bytes, steps of the word number, the decoded text where it differs; of every eleventh line, paired with another, too. With extra
text files the lines of these are used too; such files are for a one-off comparison, not for the repository.
"""
import base64, gzip, json, os, random, sys
from tokenizers import AddedToken, Regex, Tokenizer, decoders as D, models as M, normalizers as N
from tokenizers import pre_tokenizers as P, processors as Q, trainers as T

LINES = """The quick engineers don't wait; they've shipped 3 builds, and I'm sure we'll ship 12 more by 2031.
HELLO World, hello WORLD! helloWorld HTTPServer iPhone XMLHttpRequest snake_case kebab-case
Prices: $1,234.56 or 1234567890 units (~99.9%) @ 7:45pm, #42 & more... a+b=c; x<y>z [1,2] {k: v} \\ / | ^ ` ~
'Twas the night; it's, IT'S, It'S, we'Ll, they'RE, 'sword, ''s 's'd'm don''t o'clock rock'n'roll
naïve café Ångström façade Zürich smörgåsbord jalapeño São Tomé Łódź İstanbul ıssız straße ﬁne ﬂow ﬀ ﬃ ſtone Kelvin
cafe\u0301 nai\u0308ve A\u030angstro\u0308m q\u0323\u0307 q\u0307\u0323 o\u0302\u0323 \u0344 \u1e9b\u0323 \u0301lead e\u0301\u0301
你好，世界！这是一个测试。中文 English 混合 text １２３ ＡＢＣ ｈａｌｆ　ｗｉｄｔｈ
日本語のテスト：カタカナ ｶﾞｷﾞｸﾞ ひらがな、漢字。「引用」〜ー々〆
한국어 시험입니다. 각 \u1100\u1161\u11a8 조합 \u1112\u1161\u11ab\u1100\u1173\u11af
العربية من اليمين إلى اليسار ١٢٣ مَرْحَبًا بِكُم، كيف الحال؟
עִבְרִית מימין לשמאל 42 שלום! \u200fRTL\u200e mixed
Привет, мир! Ёлка и ёжик. ПРОПИСНЫЕ строчные 100 %
हिन्दी में परीक्षण १२३ क्षत्रिय ज़रूरत ड़ नमस्ते
ไทย ภาษาไทยไม่มีช่องว่าง ๑๒๓ ນັກ ខ្មែរ
Ελληνικά Όμηρος ΣΊΣΥΦΟΣ σίσυφος ς ᾳ ᾼ ΐ
👍🏽 👨‍👩‍👧‍👦 🇩🇪🇫🇷 ❤️ 🤷‍♀️ 1️⃣ 🏳️‍🌈 emoji👍text 😀😃😄
tabs\tand\t\ttwo  spaces   three    four     five\u00a0nbsp\u2003em\u3000ideo\u200bzero
  leading and trailing   
\t\\n \r\\n\r\\n x\r\\ny\\n\\n\\nz \\n  \\n end\\n
line one\\nline two\r\\nline three\rline four\u2028sep\u2029par\u0085nel\x0bvt\x0cff
\x00nul \x01 \x1f \x7f \x9f \ufeffbom \ufffd \ue000 \u00ad soft\u00adhyphen \U000e0001
½ ¼ ² ³ ① Ⅷ ㊿ ௧௨ 𝟘𝟙 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 ℌ ™ ℃ ﷺ ㎏ … ‰
“curly” ‘quotes’ — dash – en − minus ‐ hyphen • bullet « guillemets » ‹ › „low“ ‚x‘
[MASK] is [UNK] or [CLS][SEP] and <s>text</s> <|endoftext|> <|im_start|>user\\nhi<|im_end|> <pad> <mask>
word <new> another<new>glued  <new>  spaced newton NEW new  renew ##ing ▁under ▁▁two Ġg Ċ <0x41> </w>
aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa end
def f(x):\\n    if x > 0:\\n        return {'a': [x**2, None], "b": f(x-1)}\\n\treturn 0  # done\\n
https://example.org/a/b?c=d&e=%20f#g user.name+tag@example.com C:\\path\\to 192.168.0.1 v1.2.3-rc4
supercalifragilisticexpialidocious antidisestablishmentarianism pneumonoultramicroscopicsilicovolcanoconiosis
The lower the newer, the wider the lowest: lower newer wider lowest newest widest low new wide
᚛ᚑ᚜ ᭚ ⸮ \u061d \u0897 \u1c89 \ua7cb ꟊ 𐵐 𞗐 𮯰 𖴀 \u1734 \u1885 𑄀 ᳲ \u08ca
a\u0300b\u0301c\u0302 \u0627\u0655 ﬓ \u0958 \u2126 \u212b \uf900 \u2adc \U0001d15e
Mr. O'Neil isn't Dr. No; "Well," said she, "do not go , please ." - ok ? yes !
I do not know . He 's here , they 're there , I 'm n't sure ' quoted ' .
x
 
"""


def lines(extra):
    out = [l.replace("\\n", "\n") for l in LINES.split("\n")]
    r = random.Random(7)
    alphabet = [c for l in out for c in l] + list(" \n'é中👍") * 20
    out += ["".join(r.choice(alphabet) for _ in range(r.randint(1, 40))) for _ in range(14)]
    words = [w for l in out[:40] for w in l.split(" ")]
    out += [" ".join(r.choice(words) for _ in range(r.randint(1, 12))) for _ in range(6)]
    out.append("\n".join(out[:3]))
    for path in extra:
        out += [l.rstrip("\n") for l in open(path, encoding="utf-8", errors="replace")]
    return out


CL100K = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN2 = CL100K.replace("{1,3}", "")
TIKTOKEN = r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"
O200K = "|".join([
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"\p{N}{1,3}", r" ?[^\s\p{L}\p{N}]+[\r\n/]*", r"\s*[\r\n]+", r"\s+(?!\S)", r"\s+"])
# A character map of 15 rules of ours, compiled by sentencepiece 0.2 (--normalization_rule_tsv).
CHARSMAP = """
AAQAAACAAQBhgAEAEwAAgGIFAAAVAACAZTwDAMwAAgCBPQAAFwAAgK0NAAAAAACACgAAgKkRAACwDQAAIAAAgIBQAgCLaQAABgAAgIAEAgCAHQAAAQAAgI
ENAAAdAACAgz0AABkAAIC9SQAAoQUAAA4AAICf6AIAqcwDAPB4AgCf8AIArNACAIdUAgCqBQAAEAAAgIewAgCNDQAAAwAAgCYAAAApAAAAKAAAACsAAAAq
AAAALQAAACwAAAAvAAAALgAAALwsAgAwAAAAMwAAADIAAAA1AAAANAAAADcAAACRfAIAOQAAADgAAAA7AAAAOgAAAD0AAACmsQAAPwAAAD4AAABBAAAAQA
AAAEMAAABCAAAARQAAAEQAAABHAAAARgAAAEkAAABIAAAASwAAAEoAAABNAAAATAAAAE8AAABOAAAAUQAAAFAAAABTAAAAUgAAAFUAAABUAAAAVwAAAFYA
AABZAAAAWAAAAFsAAABaAAAAXQAAAFwAAABfAAAAXgAAAGEAAABjlQEAYwAAAGIAAABlAAAAZAAAAGcAAABmAAAAaQAAAGgAAABrAAAAagAAAG0AAABsAA
AAbwAAAG4AAABxAAAAcAAAAHMAAAByAAAAdQAAAHQAAAB3AAAAdgAAAHkAAAB4AAAAewAAAHoAAAB9AAAAfAAAAH8AAAB+AAAAgQAAAIAAAADiNAAA40QA
AIUAAACEAAAAhwAAAIYAAACJAAAAiAAAAIsAAACKAAAAjQAAAIwAAACPAAAA7wwAAPBMAACQAAAAkwAAAJIAAACVAAAAlAAAAJcAAACWAAAAmQAAAJgAAA
CbAAAAmgAAAJ0AAACcAAAAnwAAAJ4AAAChAAAAoAAAAMIYAADDGAAAxGQAAKQAAACnAAAApgAAAKkAAACoAAAAqwAAAKoAAACtAAAArAAAAK8AAACuAAAA
sQAAALAAAACzAAAAsgAAALUAAAC0AAAAtwAAALYAAAC5AAAAuAAAALsAAAC6AAAAvQAAALwAAAC/AAAAvgAAAMEAAADAAAAAwwAAAMIAAADFAAAAxAAAAM
cAAADGAAAAyQAAAMgAAADLAAAAygAAAM0AAADMAAAAzwAAAM4AAADRAAAA0AAAANMAAADSAAAA1QAAANQAAADXAAAA1gAAANkAAADYAAAA2wAAANoAAADd
AAAA3AAAAN8AAADeAAAA4QAAAOAAAADjAAAA4gAAAOUAAADkAAAA5wAAAOYAAADpAAAA6AAAAOsAAADqAAAA7QAAAOwAAADvAAAA7gAAAPEAAADwAAAA8w
AAAPIAAAD1AAAA9AAAAPcAAAD2AAAA+QAAAPgAAAD7AAAA+gAAAP0AAAD8AAAA/wAAAP4AAAAAIAArMQAuLi4AMS8yAEEAREUAYgBjAGUAZmZpAGZpAGkA
"""
ALPHABET = P.ByteLevel.alphabet()


def byte_bpe(train, pre, size=330, normalizer=None, post=None, specials=("<|endoftext|>", "<|im_start|>", "<|im_end|>"), **kw):
    t = Tokenizer(M.BPE(**kw))
    t.pre_tokenizer, t.decoder = pre, D.ByteLevel()
    if normalizer: t.normalizer = normalizer
    if post: t.post_processor = post
    t.train_from_iterator(train, T.BpeTrainer(vocab_size=size, initial_alphabet=ALPHABET, special_tokens=list(specials), show_progress=False))
    return t


def split(pattern, *more):
    return P.Sequence([P.Split(Regex(pattern), "isolated"), *more, P.ByteLevel(add_prefix_space=False, use_regex=False)])


def llama(train, byte_fallback=True, pre=None, drop_bytes=()):
    """Byte-pair merges over whole texts, as the conversion of a SentencePiece model gives them."""
    t = Tokenizer(M.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=byte_fallback))
    t.pre_tokenizer = P.Metaspace()
    byte = ["<0x%02X>" % b for b in range(256) if b not in drop_bytes] if byte_fallback else []
    t.train_from_iterator(train, T.BpeTrainer(vocab_size=520, limit_alphabet=90, special_tokens=["<unk>", "<s>", "</s>"] + byte, show_progress=False))
    j = json.loads(t.to_str())
    j["added_tokens"] = [a for a in j["added_tokens"] if not a["content"].startswith("<0x")]
    if pre is None:
        j["pre_tokenizer"] = None
        j["normalizer"] = {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]}
        j["decoder"] = {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]}
    t = Tokenizer.from_str(json.dumps(j))
    if pre is not None:
        t.pre_tokenizer, t.decoder = pre, D.Sequence([D.ByteFallback(), D.Metaspace(prepend_scheme="first")])
    t.post_processor = Q.TemplateProcessing(single="<s> $A", pair="<s> $A <s> $B:1", special_tokens=[("<s>", 1)])
    return t


def wordpiece(train, normalizer, pre=P.BertPreTokenizer(), **kw):
    t = Tokenizer(M.WordPiece(unk_token="[UNK]", **kw))
    t.normalizer, t.pre_tokenizer, t.decoder = normalizer, pre, D.WordPiece()
    t.train_from_iterator(train, T.WordPieceTrainer(vocab_size=360, limit_alphabet=110, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], show_progress=False))
    t.post_processor = Q.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return t


def unigram(train, normalizer, pre, **kw):
    t = Tokenizer(M.Unigram())
    t.normalizer, t.pre_tokenizer, t.decoder = normalizer, pre, D.Metaspace()
    t.train_from_iterator(train, T.UnigramTrainer(vocab_size=760, unk_token="<unk>", special_tokens=["<unk>", "<s>", "</s>", "<pad>"], show_progress=False))
    j = json.loads(t.to_str())
    rare = sorted(j["model"]["vocab"][4:], key=lambda v: v[1])[:60]
    j["model"]["vocab"] = [v for v in j["model"]["vocab"] if v not in rare or len(v[0]) > 1]
    j["model"].update(kw)
    if kw.get("byte_fallback"):
        j["model"]["vocab"] += [["<0x%02X>" % b, -20.0] for b in range(256)]
    t = Tokenizer.from_str(json.dumps(j))
    t.post_processor = Q.TemplateProcessing(single="$A </s>", pair="$A </s> $B:1 </s>:1", special_tokens=[("</s>", 2)])
    return t


def add(t, *tokens):
    t.add_tokens(list(tokens))
    return t


def all_tokenizers(train):
    bl = P.ByteLevel(add_prefix_space=False)
    yield "gpt2", byte_bpe(train, bl, post=Q.ByteLevel(trim_offsets=True))
    yield "gpt2-prefix-space", byte_bpe(train, P.ByteLevel(), post=Q.ByteLevel(trim_offsets=True, add_prefix_space=True), specials=["<s>"])
    yield "roberta", byte_bpe(train, P.ByteLevel(), post=Q.RobertaProcessing(("</s>", 2), ("<s>", 0)), specials=["<s>", "<pad>", "</s>", "<unk>", "<mask>"])
    yield "smollm", byte_bpe(train, P.Sequence([P.Digits(individual_digits=True), bl]))
    yield "llama3", byte_bpe(train, split(CL100K), ignore_merges=True, post=Q.Sequence([Q.ByteLevel(trim_offsets=False), Q.TemplateProcessing(single="<|endoftext|> $A", pair="<|endoftext|> $A <|im_start|> $B:1", special_tokens=[("<|endoftext|>", 0), ("<|im_start|>", 1)])]))
    yield "tiktoken", byte_bpe(train, split(TIKTOKEN))
    yield "qwen2", byte_bpe(train, split(QWEN2), normalizer=N.NFC())
    yield "o200k", byte_bpe(train, split(O200K))
    yield "re2-splits", byte_bpe(train, P.Sequence([P.Split(Regex(r"[\r\n]"), "isolated"), P.Split(Regex(r"\s?\p{L}+"), "isolated"), P.Split(Regex(r"\s+$"), "isolated"), P.Split("-", "merged_with_next"), P.Split("e", "merged_with_previous"), P.Split(Regex(r"[a-c\d]"), "contiguous"), P.Digits(), P.ByteLevel(add_prefix_space=False, use_regex=False)]))
    yield "clip", byte_bpe(train, P.Sequence([P.Split(Regex(r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"), "removed", invert=True), P.ByteLevel(add_prefix_space=False)]), normalizer=N.Sequence([N.NFC(), N.Replace(Regex(r"\s+"), " "), N.Lowercase()]), end_of_word_suffix="</w>")
    yield "byte-normalizer", byte_bpe(train, P.Whitespace(), normalizer=N.ByteLevel())
    yield "llama2", llama(train)
    yield "llama2-no-bytes", llama(train, byte_fallback=False)
    yield "llama2-few-bytes", llama(train, drop_bytes=range(0x80, 0xC8))
    yield "mistral", llama(train, pre=P.Metaspace(prepend_scheme="first", split=False))
    yield "metaspace-first", add(llama(train, pre=P.Metaspace(prepend_scheme="first")), AddedToken("<new>"), AddedToken("HELLO", normalized=False))
    yield "bert", wordpiece(train, N.BertNormalizer())
    yield "bert-cased", add(wordpiece(train, N.BertNormalizer(lowercase=False)), AddedToken("<new>", lstrip=True), AddedToken("new", single_word=True), AddedToken("World", rstrip=True, normalized=False))
    yield "bert-short", wordpiece(train, N.Sequence([N.NFKD(), N.StripAccents(), N.Nmt(), N.Lowercase(), N.Strip()]), pre=P.Sequence([P.WhitespaceSplit(), P.Punctuation("contiguous"), P.CharDelimiterSplit("e")]), max_input_chars_per_word=9)
    yield "unigram", unigram(train, N.NFKC(), P.Metaspace())
    yield "unigram-bytes", unigram(train, N.Sequence([N.NFD(), N.Replace(Regex(" {2,}"), " ")]), P.Metaspace(prepend_scheme="never"), byte_fallback=True)
    charsmap = "".join(CHARSMAP.split())
    if os.environ.get("CHARSMAP"):  # another one, for a one-off comparison
        charsmap = base64.b64encode(open(os.environ["CHARSMAP"], "rb").read()).decode()
    yield "precompiled", unigram(train, N.Precompiled(base64.b64decode(charsmap)), P.Metaspace())
    t = byte_bpe(train, bl)
    t.add_special_tokens([AddedToken("<mask>", lstrip=True), "[MASK]"])
    yield "added", add(t, AddedToken("<new>", lstrip=True, rstrip=True), AddedToken("new", single_word=True), AddedToken("newer"), AddedToken("low"), AddedToken("lower", normalized=False), AddedToken("café"), AddedToken("\n\n"))
    t = wordpiece(train, N.BertNormalizer())
    yield "added-normalized", add(t, AddedToken("HELLO World"), AddedToken("Zürich", normalized=True), AddedToken("İ"), AddedToken("  "))


def steps(words):
    """Word numbers as differences: a word more is 1."""
    words = [-1 if w is None else w for w in words]
    return [b - a for a, b in zip([0] + words, words)]


def write(path, doc):
    with open(path, "wb") as f:
        f.write(gzip.compress(json.dumps(doc, ensure_ascii=False, separators=(",", ":")).encode(), 9, mtime=0))


def main():
    out, extra = sys.argv[1], sys.argv[2:]
    ls = lines(extra)
    train = ls[:42] * 3
    for name, t in all_tokenizers(train):
        cases = []
        for i, l in enumerate(ls):
            at = [0]
            for c in l:
                at.append(at[-1] + len(c.encode()))
            e = t.encode(l)
            case = {"i": e.ids, "a": [at[a] for a, b in e.offsets], "n": [at[b] - at[a] for a, b in e.offsets], "w": steps(e.word_ids)}
            if (d := t.decode(e.ids)) != l:
                case["d"] = d
            if i % 11 == 0:
                p = t.encode(l, ls[(i * 7 + 3) % len(ls)])
                case.update(pi=p.ids, pk=p.type_ids, ps=p.special_tokens_mask, pd=t.decode(p.ids, skip_special_tokens=False))
            cases.append(case)
        write(f"{out}/{name}.json.gz", {"tokenizer": json.loads(t.to_str()), "cases": cases})
    write(f"{out}/lines.json.gz", ls)


main()
