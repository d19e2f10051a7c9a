// assay/embed/embedding_cache.h: vectors that were paid for once.
// Room: embed (uses core).
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "assay/core/file_system.h"
#include "assay/core/hash.h"
#include "assay/core/result.h"

namespace assay::embed {

// XXH3-128 of the provider's name, a zero byte and the text.
[[nodiscard]] core::Hash128 EmbeddingKey(std::string_view provider_name, std::string_view text);

// Threads: safe.
class EmbeddingCache {
 public:
  virtual ~EmbeddingCache() = default;
  [[nodiscard]] virtual std::size_t dim() const = 0;
  // Copies the vector and says whether there was one. Shapes: out [dim()]. A damaged vector is
  // absent, never wrong.
  [[nodiscard]] virtual bool Get(const core::Hash128& key, std::span<float> out) = 0;
  // Keeps row [dim()]; a key that is there already keeps its vector.
  [[nodiscard]] virtual Result<void> Put(const core::Hash128& key, std::span<const float> row) = 0;
  // What was put is on the disk, where the cache has one.
  [[nodiscard]] virtual Result<void> Sync() = 0;
};

inline constexpr std::uint32_t kProgressFileVersion = 1;

// A cache in one append-only file, which makes a long job resumable: what was put survives
// `kill -9` at once and a power failure after Sync(). Format: docs/formats/embedding-progress.md.
class ProgressFile final : public EmbeddingCache {
 public:
  // Opens or creates. A tail that was cut by a crash is dropped. One process at a time.
  // Errors: kFailedPrecondition when another process has it open, or when the file belongs to
  // another provider, model or dimension; kDataLoss for damage before the last record; those of the
  // disk.
  [[nodiscard]] static Result<std::unique_ptr<ProgressFile>> Open(core::FileSystem& files,
                                                                  const std::string& path,
                                                                  std::string_view provider_name,
                                                                  std::size_t dim);
  ~ProgressFile() override;

  [[nodiscard]] std::size_t dim() const override;
  [[nodiscard]] bool Get(const core::Hash128& key, std::span<float> out) override;
  [[nodiscard]] Result<void> Put(const core::Hash128& key, std::span<const float> row) override;
  [[nodiscard]] Result<void> Sync() override;
  [[nodiscard]] std::size_t rows() const;

 private:
  class Impl;
  explicit ProgressFile(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace assay::embed
