// assay/text/wordpiece.h: the WordPiece tokenizer of uncased BERT models.
// Room: text (uses core).  Threads: const after loading; share one among all threads.
// Method: BERT's basic tokenizer (Devlin et al. 2019: clean text, spaces around CJK, NFD without
// marks, lower case, punctuation split) and greedy longest match (Schuster & Nakajima 2012) over a
// double-array trie (Aoe 1989), behind a hash table of whole words of at most 16 bytes. What the
// normaliser does to each code point is generated from Hugging Face `tokenizers`, whose ids this
// class reproduces. O(n) time; nothing is allocated but `ids`.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "assay/core/result.h"

namespace assay::text {

class WordPiece {
 public:
  static constexpr std::size_t kMaxWordChars = 100;  // a longer word is [UNK], as in the reference
  static constexpr std::size_t kNoLimit = static_cast<std::size_t>(-1);

  // Reads vocab.txt: one token a line, the line number is the id; "##" marks continuations.
  // Errors: kInvalidArgument (with the line) for text that is not UTF-8, an empty or repeated
  // token, or where [PAD], [UNK], [CLS] or [SEP] is missing.
  [[nodiscard]] static Result<WordPiece> FromVocabulary(std::string_view vocabulary);

  // Appends [CLS], the pieces of `text` and [SEP]; at most `max_ids` ids in all (at least 2), so
  // that the text's end is cut. True where something was cut. Ill-formed UTF-8 is read as U+FFFD,
  // which the normaliser drops. "[SEP]" and the other special tokens written in `text` become
  // their ids, as in the reference.
  bool Encode(std::string_view text, std::size_t max_ids, std::vector<std::int32_t>& ids) const;

  // The same without [CLS] and [SEP], for inputs of several texts.
  bool AppendPieces(std::string_view text, std::size_t max_ids,
                    std::vector<std::int32_t>& ids) const;

  [[nodiscard]] std::size_t vocabulary_size() const { return offsets_.size() - 1; }
  // Requires: 0 <= id < vocabulary_size().
  [[nodiscard]] std::string_view TokenOf(std::int32_t id) const;
  [[nodiscard]] std::optional<std::int32_t> IdOf(std::string_view token) const;
  [[nodiscard]] std::int32_t pad_id() const { return pad_id_; }
  [[nodiscard]] std::int32_t unk_id() const { return unk_id_; }
  [[nodiscard]] std::int32_t cls_id() const { return cls_id_; }
  [[nodiscard]] std::int32_t sep_id() const { return sep_id_; }

 private:
  friend class WordPieceRun;
  friend class WordPieceTrieBuilder;

  // Whole words of 1..16 bytes, zero-padded; open addressing, id -1 = free.
  struct Slot {
    std::uint64_t low = 0;
    std::uint64_t high = 0;
    std::int32_t id = -1;
  };
  // Child of node n by byte b: nodes_[n.base + b] if its parent is n.
  struct Node {
    std::int32_t base = 0;
    std::int32_t parent = -1;
    std::int32_t id = -1;  // of the token that ends here
  };

  WordPiece() = default;
  [[nodiscard]] Result<void> ReadTokens(std::string_view vocabulary);
  [[nodiscard]] Result<void> FindSpecialTokens();
  void FillSlots();
  [[nodiscard]] std::int32_t FindShortWord(std::uint64_t low, std::uint64_t high) const;
  [[nodiscard]] std::int32_t FindInTrie(std::int32_t root, std::string_view word) const;
  std::size_t SplitLongest(std::string_view word, std::int32_t* pieces) const;

  std::string tokens_;                  // all tokens, one after the other
  std::vector<std::uint32_t> offsets_;  // token i is tokens_[offsets_[i], offsets_[i + 1])
  std::vector<Slot> slots_;
  int slot_shift_ = 0;
  std::vector<Node> nodes_;
  std::vector<std::int32_t> special_ids_;  // recognised in the text
  std::int32_t pad_id_ = 0;
  std::int32_t unk_id_ = 0;
  std::int32_t cls_id_ = 0;
  std::int32_t sep_id_ = 0;
};

}  // namespace assay::text
