// The walk over one text: normalise, split into words, look the words up.
#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "assay/text/utf8.h"
#include "assay/text/wordpiece.h"

#include "gen/bert_tables.h"
#include "wordpiece/word_hash_internal.h"

namespace assay::text {
namespace {

constexpr std::uint64_t kOnes = 0x0101010101010101ULL;
constexpr std::uint64_t kHigh = 0x8080808080808080ULL;

// Eight bytes at once: which are ASCII letters or digits (their high bit is set in `word`), and the
// bytes in lower case.
struct Lowered {
  std::uint64_t bytes;
  std::uint64_t word;
};

constexpr Lowered Lower(std::uint64_t bytes) {
  const std::uint64_t ascii = ~bytes & kHigh;
  const std::uint64_t low = bytes & ~kHigh;  // no addition below carries into the next byte
  const std::uint64_t folded = low | (kOnes * 0x20);
  const std::uint64_t letter =
      (folded + kOnes * (0x80 - 'a')) & ~(folded + kOnes * (0x80 - 'z' - 1)) & ascii;
  const std::uint64_t digit =
      (low + kOnes * (0x80 - '0')) & ~(low + kOnes * (0x80 - '9' - 1)) & ascii;
  return {bytes | (letter >> 2), letter | digit};
}

static_assert(Lower(0x5A41395B2F7A6130ULL).bytes == 0x7A61395B2F7A6130ULL);
static_assert(Lower(0x5A41395B2F7A6130ULL).word == 0x8080800000808080ULL);

// Bytes of the word that a mask from Lower() starts with: 0..8.
int WordLength(std::uint64_t word_mask) {
  const std::uint64_t other = ~word_mask & kHigh;
  return other == 0 ? 8 : std::countr_zero(other) / 8;
}

std::uint64_t FirstBytes(std::uint64_t bytes, int count) {
  return count == 8 ? bytes : bytes & ((1ULL << (8 * count)) - 1);
}

bool IsAsciiWordByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

std::uint32_t ActionOf(char32_t code_point) {
  const std::size_t block = gen::kBertBlock[code_point >> 7];
  return gen::kBertEntry[block * 128 + (code_point & 127)];
}

}  // namespace

class WordPieceRun {
 public:
  WordPieceRun(const WordPiece& tokenizer, std::string_view text, std::size_t max_ids,
               std::vector<std::int32_t>& ids)
      : tokenizer_(tokenizer), text_(text), room_(max_ids), ids_(ids) {}

  // True where an id had no room.
  bool Go() {
    while (at_ < text_.size() && !cut_) {
      if (word_chars_ == 0 && IsAsciiWordByte(text_[at_]) && ReadAsciiWord()) continue;
      ReadChar();
    }
    FlushWord();
    return cut_;
  }

 private:
  void Emit(std::int32_t id) {
    if (room_ == 0) {
      cut_ = true;
      return;
    }
    --room_;
    ids_.push_back(id);
  }

  // A word of at most 15 ASCII letters and digits that an ASCII space or punctuation mark ends, in
  // the vocabulary as a whole. False, with nothing read, where it is not all of that.
  bool ReadAsciiWord() {
    std::uint64_t words[2];
    const std::size_t left = text_.size() - at_;
    if (left >= sizeof(words)) {
      std::memcpy(words, text_.data() + at_, sizeof(words));
    } else {
      std::memset(words, 0, sizeof(words));
      std::memcpy(words, text_.data() + at_, left);
    }
    const Lowered low = Lower(words[0]);
    int length = WordLength(low.word);
    ShortWord key{FirstBytes(low.bytes, length), 0};
    if (length == 8) {
      const Lowered high = Lower(words[1]);
      const int more = WordLength(high.word);
      if (more == 8) return false;
      key.high = FirstBytes(high.bytes, more);
      length += more;
    }
    const std::size_t end = at_ + static_cast<std::size_t>(length);
    // Anything but a plain end (an accent, a zero-width joiner) may belong to the word.
    if (end < text_.size() && kEndsWord[static_cast<unsigned char>(text_[end])] == 0) return false;
    const std::int32_t id = tokenizer_.FindShortWord(key.low, key.high);
    if (id >= 0) {
      Emit(id);
    } else {
      char word[kShortWord];
      std::memcpy(word, &key.low, 8);
      std::memcpy(word + 8, &key.high, 8);
      EmitPieces({word, static_cast<std::size_t>(length)});
    }
    at_ = end;
    if (at_ < text_.size() && text_[at_] == ' ') ++at_;
    return true;
  }

  void ReadChar() {
    const auto byte = static_cast<unsigned char>(text_[at_]);
    if (byte == '[' && ReadSpecialToken()) return;
    const Decoded decoded = DecodeUtf8(text_, at_);
    at_ += decoded.size_bytes;
    const char32_t code_point = decoded.code_point;
    const std::uint32_t action = ActionOf(code_point);
    const std::uint32_t value = action >> 3;
    switch (action & 7U) {
      case gen::kBertKeep:
        PushChar(code_point);
        break;
      case gen::kBertRemove:
        break;
      case gen::kBertSpace:
        FlushWord();
        break;
      case gen::kBertIsolated:
        EmitIsolated(code_point);
        break;
      case gen::kBertMap:
        PushChar(value);
        break;
      case gen::kBertMapIsolated:
        EmitIsolated(value);
        break;
      case gen::kBertExpand:
        for (std::uint32_t i = 1; i <= gen::kBertPool[value]; ++i) {
          const std::uint32_t item = gen::kBertPool[value + i];
          (item & 1U) != 0 ? EmitIsolated(item >> 1) : PushChar(item >> 1);
        }
        break;
      default:
        PushHangul(code_point);
    }
  }

  // Hangul syllables become their letters (Unicode Standard 3.12).
  void PushHangul(char32_t syllable) {
    const char32_t index = syllable - 0xAC00;
    PushChar(0x1100 + index / 588);
    PushChar(0x1161 + index % 588 / 28);
    if (index % 28 != 0) PushChar(0x11A7 + index % 28);
  }

  // "[SEP]" and its like in the text.
  bool ReadSpecialToken() {
    for (const std::int32_t id : tokenizer_.special_ids_) {
      const std::string_view token = tokenizer_.TokenOf(id);
      if (text_.substr(at_).starts_with(token)) {
        FlushWord();
        Emit(id);
        at_ += token.size();
        return true;
      }
    }
    return false;
  }

  void PushChar(char32_t code_point) {
    ++word_chars_;
    if (word_chars_ > WordPiece::kMaxWordChars) return;
    char* to = word_.data() + word_bytes_;
    if (code_point < 0x80) {
      to[0] = static_cast<char>(code_point);
      word_bytes_ += 1;
    } else if (code_point < 0x800) {
      to[0] = static_cast<char>(0xC0 | (code_point >> 6));
      to[1] = static_cast<char>(0x80 | (code_point & 0x3F));
      word_bytes_ += 2;
    } else if (code_point < 0x10000) {
      to[0] = static_cast<char>(0xE0 | (code_point >> 12));
      to[1] = static_cast<char>(0x80 | ((code_point >> 6) & 0x3F));
      to[2] = static_cast<char>(0x80 | (code_point & 0x3F));
      word_bytes_ += 3;
    } else {
      to[0] = static_cast<char>(0xF0 | (code_point >> 18));
      to[1] = static_cast<char>(0x80 | ((code_point >> 12) & 0x3F));
      to[2] = static_cast<char>(0x80 | ((code_point >> 6) & 0x3F));
      to[3] = static_cast<char>(0x80 | (code_point & 0x3F));
      word_bytes_ += 4;
    }
  }

  void EmitIsolated(char32_t code_point) {
    FlushWord();
    PushChar(code_point);
    FlushWord();
  }

  void FlushWord() {
    if (word_chars_ == 0) return;
    const std::string_view word(word_.data(), word_bytes_);
    if (word_chars_ > WordPiece::kMaxWordChars) {
      Emit(tokenizer_.unk_id_);
    } else {
      const ShortWord key = word.size() <= kShortWord ? ShortWord::Of(word) : ShortWord{};
      const std::int32_t id =
          word.size() <= kShortWord ? tokenizer_.FindShortWord(key.low, key.high) : -1;
      id >= 0 ? Emit(id) : EmitPieces(word);
    }
    word_chars_ = 0;
    word_bytes_ = 0;
  }

  void EmitPieces(std::string_view word) {
    std::array<std::int32_t, 4 * WordPiece::kMaxWordChars> pieces;
    const std::size_t count = tokenizer_.SplitLongest(word, pieces.data());
    if (count == 0) Emit(tokenizer_.unk_id_);
    for (std::size_t i = 0; i < count; ++i) Emit(pieces[i]);
  }

  // ASCII bytes that end a word: white space and punctuation.
  static constexpr std::array<std::uint8_t, 256> kEndsWord = [] {
    std::array<std::uint8_t, 256> table{};
    for (std::size_t c = 0; c < 128; ++c) {
      const std::uint32_t action = gen::kBertEntry[gen::kBertBlock[0] * 128U + c] & 7U;
      table[c] = action == gen::kBertSpace || action == gen::kBertIsolated ? 1 : 0;
    }
    return table;
  }();

  const WordPiece& tokenizer_;
  std::string_view text_;
  std::size_t room_;
  std::vector<std::int32_t>& ids_;
  std::size_t at_ = 0;
  bool cut_ = false;
  std::size_t word_chars_ = 0;
  std::size_t word_bytes_ = 0;
  std::array<char, 4 * WordPiece::kMaxWordChars> word_;
};

bool WordPiece::AppendPieces(std::string_view text, std::size_t max_ids,
                             std::vector<std::int32_t>& ids) const {
  return WordPieceRun(*this, text, max_ids, ids).Go();
}

bool WordPiece::Encode(std::string_view text, std::size_t max_ids,
                       std::vector<std::int32_t>& ids) const {
  const std::size_t room = std::max<std::size_t>(max_ids, 2) - 2;
  ids.push_back(cls_id_);
  const bool cut = AppendPieces(text, max_ids == kNoLimit ? kNoLimit : room, ids);
  ids.push_back(sep_id_);
  return cut;
}

}  // namespace assay::text
