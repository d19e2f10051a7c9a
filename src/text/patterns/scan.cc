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
constexpr std::size_t kFlattenStep = 4;

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
HWY_INLINE T LoadAs(const std::uint8_t* from) {
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
    // most two blocks, in a padded copy.
    std::uint64_t direct_end = begin;
    if (buffer_.size() >= begin + kReadAhead) {
      const std::uint64_t readable = (buffer_.size() - begin - kReadAhead) & ~std::uint64_t{63};
      direct_end = std::min((end + 63) & ~std::uint64_t{63}, begin + readable);
    }
    for (std::uint64_t at = begin; at < direct_end; at += kChunkBytes) {
      ScanChunk({data, 0}, static_cast<std::uint32_t>(at),
                std::min<std::size_t>((direct_end - at) / 64, kChunkBlocks));
    }
    if (direct_end < end) {
      ScanTail(data, static_cast<std::uint32_t>(direct_end), static_cast<std::uint32_t>(end));
    }
  }

 private:
  void ScanTail(const std::uint8_t* data, std::uint32_t from, std::uint32_t end) {
    constexpr std::size_t kBefore = 64;
    static_assert(kBefore >= kMaxWindowOffset);
    alignas(64) std::array<std::uint8_t, kBefore + 128 + 64> copy;
    const std::uint32_t origin = from - std::min<std::uint32_t>(from, kBefore);
    const std::size_t length = std::min<std::size_t>(buffer_.size() - origin, copy.size() - 64);
    std::memcpy(copy.data(), data + origin, length);
    std::memset(copy.data() + length, 0, copy.size() - length);
    ScanChunk({copy.data(), origin}, from, (end - from + 63) / 64);
  }

  void ScanChunk(View view, std::uint32_t from, std::size_t blocks) {
    std::array<std::uint64_t, kChunkBlocks> candidates;
    std::array<std::uint64_t, kChunkBlocks> triggers;
    FilterBlocks(program_, view.At(from), blocks, candidates.data(), triggers.data());
    MapPieces(from, blocks);
    std::uint32_t* places_end = places_.data();
    for (std::size_t b = 0; b < blocks; ++b) {
      const auto place = static_cast<std::uint32_t>(b * 64);
      places_end = Flatten(candidates[b], place, places_end);
    }
    for (const WindowTable& windows : program_.literals.windows) {
      CheckCandidates(view, from, windows, places_end);
    }
    if (program_.triggered.empty()) return;
    places_end = places_.data();
    for (std::size_t b = 0; b < blocks; ++b) {
      // Only the first of a run of triggers counts, or the first of a piece.
      const std::uint64_t run_starts =
          triggers[b] & (~(triggers[b] << 1 | trigger_carry_) | piece_begins_[b]);
      trigger_carry_ = triggers[b] >> 63;
      places_end = Flatten(run_starts, static_cast<std::uint32_t>(b * 64), places_end);
    }
    for (std::size_t i = 0; i < program_.triggered.size(); ++i) {
      resume_[i] = RunTriggered(view, from, program_.triggered[i], resume_[i], places_end);
    }
  }

  // Marks where pieces begin, so that the piece of a place is a population count away.
  HWY_NOINLINE void MapPieces(std::uint32_t from, std::size_t blocks) {
    std::fill_n(piece_begins_.begin(), blocks, 0);
    piece_of_rank_[0] = last_piece_;  // the one that began in an earlier chunk
    std::size_t rank = 0;
    const std::uint64_t end = from + std::uint64_t{blocks} * 64;
    while (next_piece_ < pieces_.size() && pieces_[next_piece_].begin < end) {
      const Span piece = pieces_[next_piece_];
      const std::uint32_t place = piece.begin - from;
      const bool filled = !piece.empty();
      piece_begins_[place / 64] |= std::uint64_t{filled} << (place % 64);
      piece_of_rank_[rank + 1] = static_cast<std::uint32_t>(next_piece_);
      rank += filled;
      ++next_piece_;
    }
    last_piece_ = piece_of_rank_[rank];
    std::uint32_t before = 0;
    for (std::size_t b = 0; b < blocks; ++b) {
      rank_before_[b] = before;
      before += static_cast<std::uint32_t>(std::popcount(piece_begins_[b]));
    }
  }

  // The last piece that begins at or before the place (or some piece that begins later).
  HWY_INLINE std::uint32_t PieceAt(std::uint32_t place) const {
    const std::uint32_t block = place / 64;
    const std::uint64_t up_to = piece_begins_[block] & (~std::uint64_t{0} >> (63 - place % 64));
    return piece_of_rank_[rank_before_[block] + static_cast<std::uint32_t>(std::popcount(up_to))];
  }

  HWY_NOINLINE void CheckCandidates(View view, std::uint32_t from, const WindowTable& windows,
                                    const std::uint32_t* places_end) {
    const LiteralEntry* const entries = program_.literals.entries.data();
    for (const std::uint32_t* p = places_.data(); p != places_end; ++p) {
      const std::uint32_t place = from + *p;
      std::uint32_t index = windows.heads[windows.Slot(LoadAs<std::uint32_t>(view.At(place)))];
      do {
        const LiteralEntry& entry = entries[index];
        CheckEntry(view, place, PieceAt(*p), entry);
        index = entry.next;
      } while (HWY_UNLIKELY(index != 0));
    }
  }

  HWY_INLINE void CheckEntry(View view, std::uint32_t place, std::uint32_t piece_index,
                             const LiteralEntry& entry) {
    const std::uint32_t back = std::min<std::uint32_t>(entry.offset, place - view.origin);
    const std::uint32_t start = place - back;
    const std::uint8_t* text = view.At(start);
    const Span piece = pieces_[piece_index];
    std::uint64_t differs = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      differs |= (LoadAs<std::uint64_t>(text + i * 8) | entry.fold[i]) ^ entry.want[i];
    }
    // A candidate that stands less than the offset behind the buffer's begin cannot be inside.
    const bool hit = (differs == 0) & (back == entry.offset) & (start >= piece.begin) &
                     (std::uint64_t{start} + entry.length <= piece.end);
    const bool plain = entry.flags == 0;
    std::uint64_t& word = bits_[piece_index * program_.words_per_text + entry.id / 64 * plain];
    word |= static_cast<std::uint64_t>(hit & plain) << (entry.id % 64);
    if constexpr (kPositions) {
      if (hit & plain) Report(entry, start);
    }
    if (HWY_UNLIKELY(hit & !plain)) CheckFurther(view, start, piece_index, entry);
  }

  HWY_INLINE void Report(const LiteralEntry& entry, std::uint32_t start) {
    if constexpr (kPositions) found_->push_back({entry.id, {start, start + entry.length}});
  }

  // Word edges, bytes past the inline ones, and expressions that begin with the literal.
  HWY_NOINLINE void CheckFurther(View view, std::uint32_t start, std::uint32_t piece_index,
                                 const LiteralEntry& entry) {
    const Span piece = pieces_[piece_index];
    const std::uint8_t* text = view.At(start);
    if ((entry.flags & kStartsRegex) != 0) {
      const PrefixedRegex& regex = program_.prefixed[entry.id];
      if (RunAnchored(regex.dfa, text, start > piece.begin, piece.end - start)) {
        SetBit(piece_index, regex.id);
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
    SetBit(piece_index, entry.id);
    Report(entry, start);
  }

  HWY_INLINE void SetBit(std::uint32_t piece_index, std::uint32_t id) {
    bits_[piece_index * program_.words_per_text + id / 64] |= std::uint64_t{1} << (id % 64);
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

  HWY_NOINLINE std::uint32_t RunTriggered(View view, std::uint32_t from,
                                          const TriggeredDfa& triggered, std::uint32_t resume,
                                          const std::uint32_t* places_end) {
    const Dfa& dfa = triggered.dfa;
    for (const std::uint32_t* p = places_.data(); p != places_end; ++p) {
      const std::uint32_t place = from + *p;
      const std::uint32_t piece_index = PieceAt(*p);
      const Span piece = pieces_[piece_index];
      // The run that began earlier went past this place, or the place is in no piece.
      if (place < resume || place < piece.begin || place >= piece.end) continue;
      const std::uint8_t* text = view.At(place);
      const std::uint8_t* const begin = text;
      const std::uint8_t* const end = text + (piece.end - place);
      std::uint32_t state = dfa.start[place > piece.begin && IsWordByte(text[-1]) ? 1 : 0];
      std::uint64_t matched = 0;
      do {
        state = dfa.Step(state, *text++);
        matched |= dfa.Matched(state);
        if (text == end) {
          matched |= dfa.Matched(dfa.End(state));
          break;
        }
      } while (!dfa.Rests(state));
      resume = place + static_cast<std::uint32_t>(text - begin);
      SetBits(piece_index, triggered.base_id, matched);
    }
    return resume;
  }

  HWY_INLINE void SetBits(std::uint32_t piece_index, std::uint32_t base_id, std::uint64_t matched) {
    std::uint64_t* words = bits_ + piece_index * program_.words_per_text;
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
  std::uint32_t last_piece_ = 0;
  std::uint64_t trigger_carry_ = 0;
  std::array<std::uint32_t, kMaxTriggeredDfas> resume_{};  // where the last run of each ended
  std::array<std::uint64_t, kChunkBlocks> piece_begins_;
  std::array<std::uint32_t, kChunkBlocks> rank_before_;
  std::array<std::uint32_t, kChunkBytes + 2> piece_of_rank_;
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
