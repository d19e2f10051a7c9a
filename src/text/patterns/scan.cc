// The scan of a buffer: filter, then attribute, compare and run automata, a chunk at a time.
//
// Nearly every branch here is taken alike for nearly every text: candidates are turned into a list
// of places without a loop per block, compared without an early exit, and their bits are or-ed into
// the result whether set or not. A branch on text costs more than all of the work it could save.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "patterns/scan.cc"
#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "patterns/program_internal.h"
#include "patterns/scan_filter-inl.h"

HWY_BEFORE_NAMESPACE();
namespace assay::text::patterns::HWY_NAMESPACE {

static_assert(std::endian::native == std::endian::little, "masks and words are little-endian");

constexpr std::size_t kChunkBlocks = 64;  // 4 KiB of text: all arrays of a chunk stay in L1
constexpr std::size_t kChunkBytes = kChunkBlocks * 64;
constexpr std::size_t kReadAhead = 32;  // a comparison reads kInlineBytes from its window's start
constexpr std::size_t kCopiedBytes = 256;
constexpr std::size_t kFlattenStep = 5;
constexpr std::size_t kRunStep = 6;  // bytes that an automaton reads before it looks for its rest

// Bytes of the buffer from position `origin` on. The bytes before a scanned place that a window's
// offset can reach, and kReadAhead bytes behind it, can be read.
struct View {
  const std::uint8_t* data = nullptr;
  std::uint32_t origin = 0;

  [[nodiscard]] HWY_INLINE const std::uint8_t* At(std::uint32_t place) const {
    return data + (place - origin);
  }
};

template <typename T>
HWY_INLINE T LoadAs(const void* from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}

// Writes the places of the set bits of `mask`, and up to kFlattenStep - 1 others after them.
HWY_INLINE std::uint32_t* Flatten(std::uint64_t mask, std::uint32_t place, std::uint32_t* out) {
  std::uint32_t* const end = out + std::popcount(mask);
  do {
    for (std::size_t i = 0; i < kFlattenStep; ++i) {
      // Bit 63 keeps the argument from zero, so that no branch is made for it.
      out[i] = place + static_cast<std::uint32_t>(std::countr_zero(mask | std::uint64_t{1} << 63));
      mask &= mask - 1;
    }
    out += kFlattenStep;
  } while (mask != 0);
  return end;
}

// Do the first kInlineBytes of the literal, or all of it, stand here?
HWY_INLINE bool BytesAgree(const std::uint8_t* text, const LiteralEntry& entry) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::CappedTag<std::uint8_t, kInlineBytes> d;
  auto differs = hn::Zero(d);
  for (std::size_t i = 0; i < kInlineBytes; i += hn::Lanes(d)) {
    const auto folded = hn::Or(hn::LoadU(d, text + i), hn::Load(d, entry.fold.data() + i));
    differs = hn::Or(differs, hn::Xor(folded, hn::Load(d, entry.want.data() + i)));
  }
  return hn::AllTrue(d, hn::Eq(differs, hn::Zero(d)));
}

// kPositions: also lists where the literals are (single text only).
template <bool kPositions>
class Scanner {
 public:
  Scanner(const ScanProgram& program, std::string_view buffer, std::span<const Span> pieces,
          std::uint64_t* bits, std::vector<PatternMatch>* found)
      : program_(program), buffer_(buffer), pieces_(pieces), bits_(bits), found_(found) {}

  void Run() {
    if (pieces_.empty()) return;
    const auto* data = reinterpret_cast<const std::uint8_t*>(buffer_.data());
    const std::uint64_t begin = pieces_.front().begin & ~63U;
    const std::uint64_t end = pieces_.back().end;
    // Blocks of which all that is read lies in the buffer are scanned where they are; the rest, at
    // most two blocks, in a padded copy. So is all of a small text, to scan it at one go.
    std::uint64_t direct_end = begin;
    if (end - begin > kCopiedBytes) {
      const std::uint64_t readable = (buffer_.size() - begin - kReadAhead) & ~std::uint64_t{63};
      direct_end = std::min((end + 63) & ~std::uint64_t{63}, begin + readable);
    }
    for (std::uint64_t at = begin; at < direct_end; at += kChunkBytes) {
      const bool last = direct_end - at <= 2 * kChunkBytes;
      ScanChunk({data, 0}, static_cast<std::uint32_t>(at),
                std::min<std::size_t>((direct_end - at) / 64, kChunkBlocks),
                data + at + (last ? 0 : kChunkBytes));
    }
    if (direct_end < end) {
      ScanCopy(data, static_cast<std::uint32_t>(direct_end), static_cast<std::uint32_t>(end));
    }
    // Empty pieces at the very end.
    const std::size_t words = program_.words_per_text;
    std::fill(bits_ + next_piece_ * words, bits_ + pieces_.size() * words, 0);
  }

 private:
  // A piece, seen from a chunk. Places are relative to the chunk: what lies further before it than
  // a window reaches back, or further behind it than kFarEnd, is cut off.
  struct Range {
    std::int32_t begin;
    std::int32_t end;
    std::size_t row;  // of the result, in words
  };
  static constexpr std::int32_t kFarEnd = 1 << 30;
  static_assert(kFarEnd > kChunkBytes + kMaxPatternBytes);

  void ScanCopy(const std::uint8_t* data, std::uint32_t from, std::uint32_t end) {
    constexpr std::size_t kBefore = 64;
    static_assert(kBefore >= kMaxWindowOffset);
    alignas(64) std::array<std::uint8_t, kBefore + kCopiedBytes + 64> copy;
    const std::uint32_t origin = from - std::min<std::uint32_t>(from, kBefore);
    const std::size_t blocks = (end - from + 63) / 64;
    const std::size_t padded = from - origin + blocks * 64 + 64;
    CopyPadded(data + origin, std::min(buffer_.size() - origin, padded), copy.data(), padded);
    const View view{copy.data(), origin};
    ScanChunk(view, from, blocks, view.At(from));
  }

  // `ahead`: what to fetch into the cache meanwhile; the size of a chunk.
  void ScanChunk(View view, std::uint32_t from, std::size_t blocks, const std::uint8_t* ahead) {
    std::array<std::uint64_t, kChunkBlocks> candidates;
    std::array<std::uint64_t, kChunkBlocks> triggers;
    FilterBlocks(program_, view.At(from), blocks, ahead, candidates.data(), triggers.data());
    MapPieces(from, blocks);
    std::uint32_t* places_end = places_.data();
    for (std::size_t b = 0; b < blocks; ++b) {
      places_end = Flatten(candidates[b], static_cast<std::uint32_t>(b * 64), places_end);
    }
    for (const WindowTable& windows : program_.literals.windows) {
      if (windows.byte_mask == ~0U) {
        CheckCandidates<false>(view, from, windows, places_end);
      } else {
        CheckCandidates<true>(view, from, windows, places_end);
      }
    }
    if (program_.triggered.empty()) return;
    places_end = FlattenRunStarts(triggers.data(), blocks);
    for (std::size_t i = 0; i < program_.triggered.size(); ++i) {
      resume_[i] = RunTriggered(view, from, program_.triggered[i], resume_[i], places_end);
    }
  }

  // Only the first of a run of triggers counts, or the first of a piece.
  HWY_INLINE std::uint32_t* FlattenRunStarts(const std::uint64_t* triggers, std::size_t blocks) {
    std::array<std::uint64_t, kChunkBlocks> starts;
    std::array<std::uint32_t, kChunkBlocks> filled;  // the blocks that have one
    std::size_t count = 0;
    for (std::size_t b = 0; b < blocks; ++b) {
      starts[b] = triggers[b] & (~(triggers[b] << 1 | trigger_carry_) | piece_begins_[b]);
      trigger_carry_ = triggers[b] >> 63;
      filled[count] = static_cast<std::uint32_t>(b);
      count += starts[b] != 0;
    }
    std::uint32_t* places_end = places_.data();
    for (std::size_t i = 0; i < count; ++i) {
      places_end = Flatten(starts[filled[i]], filled[i] * 64, places_end);
    }
    return places_end;
  }

  // Marks where pieces begin, so that the piece of a place is a population count away, and clears
  // their results.
  HWY_NOINLINE void MapPieces(std::uint32_t from, std::size_t blocks) {
    std::fill_n(piece_begins_.begin(), blocks, 0);
    std::size_t rank = 0;
    const std::size_t words = program_.words_per_text;
    const std::uint64_t end = from + std::uint64_t{blocks} * 64;
    const std::size_t first = next_piece_;
    while (next_piece_ < pieces_.size() && pieces_[next_piece_].begin < end) {
      const Span piece = pieces_[next_piece_];
      const std::uint32_t place = piece.begin - from;
      const bool filled = !piece.empty();
      piece_begins_[place / 64] |= std::uint64_t{filled} << (place % 64);
      ranges_[rank + 1] = {static_cast<std::int32_t>(place), RelativeEnd(piece, from),
                           next_piece_ * words};
      rank += filled;
      ++next_piece_;
    }
    // Rank 0 is of the piece that began in an earlier chunk.
    const Span last = pieces_[last_row_ / words];
    const std::int64_t begin = std::int64_t{last.begin} - from;
    ranges_[0] = {static_cast<std::int32_t>(std::clamp<std::int64_t>(
                      begin, -std::int64_t{kMaxWindowOffset} - 1, kChunkBytes)),
                  RelativeEnd(last, from), last_row_};
    last_row_ = ranges_[rank].row;
    std::fill(bits_ + first * words, bits_ + next_piece_ * words, 0);
    std::uint32_t before = 0;
    for (std::size_t b = 0; b < blocks; ++b) {
      rank_before_[b] = before;
      before += static_cast<std::uint32_t>(std::popcount(piece_begins_[b]));
    }
  }

  static std::int32_t RelativeEnd(Span piece, std::uint32_t from) {
    return static_cast<std::int32_t>(
        std::clamp<std::int64_t>(std::int64_t{piece.end} - from, 0, kFarEnd));
  }

  // The last piece that begins at or before the place (or some piece that begins later).
  HWY_INLINE const Range& RangeAt(std::uint32_t place) const {
    const std::uint32_t block = place / 64;
    const std::uint64_t up_to = piece_begins_[block] << (~place % 64);
    return ranges_[rank_before_[block] + static_cast<std::uint32_t>(std::popcount(up_to))];
  }

  template <bool kShort>  // windows of fewer than four bytes
  HWY_NOINLINE void CheckCandidates(View view, std::uint32_t from, const WindowTable& windows,
                                    const std::uint32_t* places_end) {
    const std::uint8_t* const text = view.At(from);
    const LiteralEntry* const entries = program_.literals.entries.data();
    const std::uint32_t* const heads = windows.heads.data();
    const std::uint32_t shift = windows.shift;
    const std::uint32_t byte_mask = kShort ? windows.byte_mask : ~0U;
    std::uint64_t* const bits = bits_;
    // Nothing before the view is read: what is nearer to its begin than the offset cannot match.
    const std::int32_t reach =
        -static_cast<std::int32_t>(std::min<std::uint32_t>(from - view.origin, kMaxWindowOffset));
    for (const std::uint32_t* p = places_.data(); p != places_end; ++p) {
      const std::uint32_t place = *p;
      const Range& range = RangeAt(place);
      const std::uint32_t window = LoadAs<std::uint32_t>(text + place);
      std::uint32_t index = heads[WindowTable::Slot(window, byte_mask, shift)];
      do {
        const LiteralEntry& entry = entries[index];
        const std::int32_t start = static_cast<std::int32_t>(place) - entry.offset;
        const bool hit = BytesAgree(text + std::max(start, reach), entry) & (start >= range.begin) &
                         (start + entry.length <= range.end);
        std::uint64_t& word = bits[range.row + entry.word];
        word |= entry.bit & (std::uint64_t{0} - hit);
        index = entry.next;
        if constexpr (kPositions) {
          if (hit && entry.flags == 0) Report(entry, from + static_cast<std::uint32_t>(start));
        }
        if (HWY_UNLIKELY(hit & (entry.flags != 0))) {
          CheckFurther(view, from + static_cast<std::uint32_t>(start), range.row, entry);
        }
      } while (HWY_UNLIKELY(index != 0));
    }
  }

  HWY_INLINE void Report(const LiteralEntry& entry, std::uint32_t start) {
    if constexpr (kPositions) found_->push_back({entry.id, {start, start + entry.length}});
  }

  // Word edges, bytes past the inline ones, and expressions that begin with the literal.
  HWY_NOINLINE void CheckFurther(View view, std::uint32_t start, std::size_t row,
                                 const LiteralEntry& entry) {
    const Span piece = pieces_[row / program_.words_per_text];
    const std::uint8_t* text = view.At(start);
    if ((entry.flags & kStartsRegex) != 0) {
      const PrefixedRegex& regex = program_.prefixed[entry.id];
      if (RunAnchored(regex.dfa, text, start > piece.begin, piece.end - start)) {
        SetBit(row, regex.id);
      }
      return;
    }
    if ((entry.flags & kLong) != 0) {
      const Literal& literal = program_.literals.literals[entry.literal];
      for (std::size_t i = kInlineBytes; i < literal.bytes.size(); ++i) {
        const auto want = static_cast<std::uint8_t>(literal.bytes[i]);
        const std::uint8_t fold = literal.ignore_case && IsAsciiLetter(want) ? 0x20 : 0;
        if ((text[i] | fold) != (want | fold)) return;
      }
    }
    if ((entry.flags & kWholeWord) != 0) {
      if (start > piece.begin && IsWordByte(text[-1])) return;
      if (start + entry.length < piece.end && IsWordByte(text[entry.length])) return;
    }
    SetBit(row, entry.id);
    Report(entry, start);
  }

  HWY_INLINE void SetBit(std::size_t row, std::uint32_t id) {
    bits_[row + id / 64] |= std::uint64_t{1} << (id % 64);
  }

  static bool RunAnchored(const Dfa& dfa, const std::uint8_t* text, bool has_before,
                          std::uint32_t length) {
    std::uint32_t state = dfa.start[has_before && IsWordByte(text[-1]) ? 1 : 0];
    for (std::uint32_t i = 0; i < length; ++i) {
      state = dfa.Step(state, text[i]);
      if (dfa.Matched(state) != 0) return true;
      if (dfa.Rests(state)) return false;
    }
    return dfa.Matched(dfa.End(state)) != 0;
  }

  // Runs the automaton from each place of places_ until it rests. The first kRunStep bytes are read
  // without a look at the state: an automaton that rests may go on, it will find nothing false.
  HWY_NOINLINE std::uint32_t RunTriggered(View view, std::uint32_t from,
                                          const TriggeredDfa& triggered, std::uint32_t resume,
                                          const std::uint32_t* places_end) {
    const Dfa& dfa = triggered.dfa;
    const std::uint32_t* const next = dfa.next.data();
    const std::size_t end_class = dfa.end_class;
    for (const std::uint32_t* p = places_.data(); p != places_end; ++p) {
      const auto place = static_cast<std::int32_t>(*p);
      const Range& range = RangeAt(*p);
      // The run that began earlier went past this place, or the place is in no piece.
      const bool apart = (place < range.begin) | (place >= range.end) | (from + *p < resume);
      if (HWY_UNLIKELY(apart)) continue;
      const std::uint8_t* const text = view.At(from + *p);
      const std::int32_t left = range.end - place;
      // Nothing can match from the byte before, so that it only tells whether it is a word byte.
      const bool inside = place > range.begin;
      std::size_t state = dfa.start[0];
      const std::size_t after_byte = next[state + dfa.class_of[*(text - inside)]];
      state = inside ? after_byte : state;
      std::uint64_t matched = 0;
      for (std::int32_t i = 0; i < static_cast<std::int32_t>(kRunStep); ++i) {
        // After the end of the text nothing more is reported, and another end changes nothing.
        const std::size_t byte_class = dfa.class_of[text[i]];
        state = next[state + (i < left ? byte_class : end_class)];
        matched |= LoadAs<std::uint64_t>(next + state + end_class + 1);
      }
      if (HWY_UNLIKELY(!dfa.Rests(static_cast<std::uint32_t>(state)) &
                       (left >= static_cast<std::int32_t>(kRunStep)))) {
        const std::uint32_t end = pieces_[range.row / program_.words_per_text].end;
        resume = RunOn(dfa, text + kRunStep, from + *p + kRunStep, end,
                       static_cast<std::uint32_t>(state), matched);
      }
      SetBits(range.row, triggered.base_id, matched);
    }
    return resume;
  }

  // Goes on until the automaton rests or the piece ends; returns where.
  static std::uint32_t RunOn(const Dfa& dfa, const std::uint8_t* text, std::uint32_t place,
                             std::uint32_t end, std::uint32_t state, std::uint64_t& matched) {
    for (; place < end; ++place) {
      state = dfa.Step(state, *text++);
      matched |= dfa.Matched(state);
      if (dfa.Rests(state)) return place + 1;
    }
    matched |= dfa.Matched(dfa.End(state));
    return end;
  }

  HWY_INLINE void SetBits(std::size_t row, std::uint32_t base_id, std::uint64_t matched) {
    std::uint64_t* words = bits_ + row;
    const std::uint32_t word = base_id / 64;
    words[word] |= matched << (base_id % 64);
    const std::uint64_t carry = (matched >> 1) >> (63 - base_id % 64);
    if (word + 1 < program_.words_per_text) words[word + 1] |= carry;
  }

  const ScanProgram& program_;
  std::string_view buffer_;
  std::span<const Span> pieces_;
  std::uint64_t* bits_;
  std::vector<PatternMatch>* found_;

  std::size_t next_piece_ = 0;
  std::size_t last_row_ = 0;
  std::uint64_t trigger_carry_ = 0;
  std::array<std::uint32_t, kMaxTriggeredDfas> resume_{};  // where the last run of each ended
  std::array<std::uint64_t, kChunkBlocks> piece_begins_;
  std::array<std::uint32_t, kChunkBlocks> rank_before_;
  std::array<Range, kChunkBytes + 2> ranges_;  // by rank
  std::array<std::uint32_t, kChunkBytes + kFlattenStep> places_;
};

void ScanPiecesTarget(const ScanProgram& program, std::string_view buffer,
                      std::span<const Span> pieces, std::uint64_t* bits) {
  Scanner<false>(program, buffer, pieces, bits, nullptr).Run();
}

void ScanPositionsTarget(const ScanProgram& program, std::string_view text, std::uint64_t* bits,
                         std::vector<PatternMatch>* literals) {
  const Span whole{0, static_cast<std::uint32_t>(text.size())};
  Scanner<true>(program, text, {&whole, 1}, bits, literals).Run();
}

}  // namespace assay::text::patterns::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::text::patterns {

HWY_EXPORT(ScanPiecesTarget);
HWY_EXPORT(ScanPositionsTarget);

void ScanPieces(const ScanProgram& program, std::string_view buffer, std::span<const Span> pieces,
                std::uint64_t* bits) {
  HWY_DYNAMIC_DISPATCH(ScanPiecesTarget)(program, buffer, pieces, bits);
}

void ScanPositions(const ScanProgram& program, std::string_view text, std::uint64_t* bits,
                   std::vector<PatternMatch>& literals) {
  HWY_DYNAMIC_DISPATCH(ScanPositionsTarget)(program, text, bits, &literals);
}

}  // namespace assay::text::patterns
#endif  // HWY_ONCE
