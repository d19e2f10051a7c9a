// assay/vector/index.h: nearest rows of a set that changes, exact or by inverted lists of codes.
// Room: vector (uses core).  Threads: an Index may be used by many at once: Search and SearchBatch
// run beside each other; Insert and Erase hold them up for microseconds, Optimize hardly longer.
// Method: while the set is small every row is compared. Optimize() makes inverted lists (Sivic and
// Zisserman 2003) of extended RaBitQ codes (Gao et al., arXiv 2409.09913) of the rows' leading
// principal directions; what the codes leave in doubt is compared row by row. docs/vectors.md.
// File: docs/formats/vector-index.md.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "assay/core/file_system.h"
#include "assay/core/result.h"
#include "assay/vector/matrix_file.h"

namespace assay::vector {

inline constexpr std::uint32_t kIndexFormatVersion = 1;
inline constexpr std::size_t kMaxIndexRows = 0x7FFFFFFF;

// A row and its dot product with the query: the cosine where all rows have length 1.
struct Neighbor {
  std::uint64_t id = 0;
  float score = 0;  // larger is nearer; exact to float precision, never an estimate

  friend bool operator==(const Neighbor&, const Neighbor&) = default;
};

struct IndexOptions {
  std::size_t dim = 0;     // 1 to kMaxDim
  std::string label = {};  // whose vectors these are, e.g. encoder and version; at most 64 bytes
  double wanted_recall = 0.99;  // of the 10 nearest, which Optimize() calibrates for; (0, 1]
};

struct IndexProgress {
  std::string_view stage;
  std::uint64_t done = 0;
  std::uint64_t total = 0;
};
using OnIndexProgress = std::function<void(const IndexProgress&)>;

// What Optimize() found on rows held back as queries, and what the index costs.
struct IndexStats {
  std::size_t rows = 0;
  std::size_t dim = 0;
  bool exact = true;               // every row is compared; the five below are 0
  std::size_t lists = 0;           // inverted lists
  std::size_t probes = 0;          // lists that a search looks into
  std::size_t rerank = 0;          // rows that it compares at most, for k of 10
  std::size_t code_bytes = 0;      // of a row's code
  double calibrated_recall = 0;    // of the 10 nearest, on held-back rows
  std::size_t resident_bytes = 0;  // memory that is held: codes, lists, ids, rows that came later
  std::size_t mapped_bytes = 0;    // rows that stay in the file
  std::uint64_t version = 0;       // grows with every Insert, Erase and Optimize
  bool optimize_advised = false;   // large without lists, or doubled since the last Optimize()
};

class Index {
 public:
  // An empty index in memory. Errors: kOutOfRange for dim or recall; kInvalidArgument for a label
  // that is too long.
  [[nodiscard]] static Result<std::unique_ptr<Index>> Create(const IndexOptions& options);

  // An index of rows that stay where they are: they are used in place, kept by `keep` (which may be
  // null where the rows outlive the index anyhow) and never changed; what is inserted later is in
  // memory. Shapes: rows [n * dim]; ids [n], each once, or empty where each row's id is its number.
  // Every row is compared until Optimize(). Errors: as Create, and kInvalidArgument for shapes that
  // do not fit, an id twice, or a value that is not finite; kResourceExhausted above kMaxIndexRows.
  [[nodiscard]] static Result<std::unique_ptr<Index>> Over(const IndexOptions& options,
                                                           std::span<const float> rows,
                                                           std::vector<std::uint64_t> ids,
                                                           std::shared_ptr<const void> keep);

  // The index of a file: codes and lists in memory, rows used in place, changes in memory only.
  // `label`: whose vectors are expected; empty takes any. Errors: kNotFound, kPermissionDenied;
  // kDataLoss naming the part that is cut or damaged (the rows are compared with their checksum by
  // Verify::kContent only, all else always); kFailedPrecondition for another version, byte order
  // or label.
  [[nodiscard]] static Result<std::unique_ptr<Index>> Open(core::FileSystem& files,
                                                           const std::string& path,
                                                           std::string_view label, Verify verify);

  // The same for a file's bytes, which outlive the index and start at a multiple of 4.
  [[nodiscard]] static Result<std::unique_ptr<Index>> FromBytes(std::string_view bytes,
                                                                std::string_view label,
                                                                Verify verify);

  virtual ~Index() = default;
  Index(const Index&) = delete;
  Index& operator=(const Index&) = delete;

  // Adds a row, or replaces the one that has this id. Found by every search that begins later.
  // Shape: row [dim]. Errors: kInvalidArgument for another shape or a value that is not finite;
  // kResourceExhausted at kMaxIndexRows.
  [[nodiscard]] virtual Result<void> Insert(std::uint64_t id, std::span<const float> row) = 0;
  // Whether there was such a row.
  virtual bool Erase(std::uint64_t id) = 0;
  // Whether there is such a row.
  [[nodiscard]] virtual bool Contains(std::uint64_t id) const = 0;

  // The k nearest rows, all if there are fewer; best first; equal scores by id, and of those at the
  // last place any. Exact, or with the calibrated recall. Shape: query [dim]. An empty index gives
  // an empty list. Errors: kInvalidArgument for another shape or a value that is not finite;
  // kOutOfRange if k is 0 or above kMaxTopK.
  [[nodiscard]] virtual Result<std::vector<Neighbor>> Search(std::span<const float> query,
                                                             std::size_t k) const = 0;
  // Many queries, in parallel. Shape: queries [m * dim]; as if each were searched alone.
  [[nodiscard]] virtual Result<std::vector<std::vector<Neighbor>>> SearchBatch(
      std::span<const float> queries, std::size_t k) const = 0;

  // Makes the lists and the codes anew from the rows that are in, on all cores, while others go on
  // to search, insert and erase; a set of fewer than about 4,000 rows stays exact. Then calibrates.
  // About 6 s for 100,000 rows of 1,536 on two cores. Errors: kFailedPrecondition while another
  // Optimize() runs.
  [[nodiscard]] virtual Result<void> Optimize(const OnIndexProgress& on_progress) = 0;

  // Writes rows, lists and calibration to a file that replaces `path` only once it is whole and on
  // the disk. Insert and Erase wait meanwhile, and searches with them. Errors: those of the disk.
  [[nodiscard]] virtual Result<void> Save(core::FileSystem& files,
                                          const std::string& path) const = 0;

  [[nodiscard]] virtual IndexStats Stats() const = 0;
  // As in the statistics, without a lock: what was inserted or erased before is counted.
  [[nodiscard]] virtual std::uint64_t version() const = 0;
  [[nodiscard]] virtual const IndexOptions& options() const = 0;

 protected:
  Index() = default;
};

// Results of searches that may be asked again, thrown away as soon as the index changes.
// A result is never older than the last Insert, Erase or Optimize that ended before the search
// began. Method: 16 least-recently-used lists with a lock each; equal queries are told by a 128-bit
// hash of their bytes. Threads: one cache may be used by many at once.
class ResultCache {
 public:
  struct Counts {
    std::uint64_t hits = 0;
    std::uint64_t misses = 0;
    std::size_t entries = 0;
    std::size_t bytes = 0;  // estimated, with what the containers need
  };

  // Holds at most about `max_bytes`; the index must outlive the cache.
  ResultCache(const Index& index, std::size_t max_bytes);
  ResultCache(const ResultCache&) = delete;
  ResultCache& operator=(const ResultCache&) = delete;
  ~ResultCache();

  // As Index::Search; a hit costs the hash of the query and a copy of the result.
  [[nodiscard]] Result<std::vector<Neighbor>> Search(std::span<const float> query, std::size_t k);
  [[nodiscard]] Counts counts() const;

 private:
  class Shard;

  const Index& index_;
  std::vector<std::unique_ptr<Shard>> shards_;
};

}  // namespace assay::vector
