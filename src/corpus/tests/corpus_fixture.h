// Helpers of this room's tests.
#pragma once
#include <atomic>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "assay/core/hash.h"
#include "assay/corpus/analysis.h"
#include "assay/embed/encoder.h"

namespace assay::corpus {

// A folder that goes away with the test.
class TempFolder {
 public:
  TempFolder() {
    static std::atomic<int> next = 0;
    path_ = std::filesystem::temp_directory_path() /
            fmt::format("assay_corpus_{}_{}", getpid(), next++);
    std::filesystem::create_directories(path_);
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] std::string path() const { return path_.string(); }
  [[nodiscard]] std::string operator/(std::string_view name) const {
    return (path_ / name).string();
  }
  void Write(std::string_view name, std::string_view bytes) const {
    std::filesystem::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name, std::ios::binary) << bytes;
  }

 private:
  std::filesystem::path path_;
};

// Hashed bags of terms: deterministic, and texts that share words are near.
class HashingEncoder final : public embed::Encoder {
 public:
  explicit HashingEncoder(std::string_view name = "hashing-64") : name_(name) {}
  [[nodiscard]] std::string_view name() const override { return name_; }
  [[nodiscard]] std::size_t dim() const override { return 64; }
  [[nodiscard]] Result<void> Encode(std::span<const std::string_view> texts,
                                    std::span<float> out) const override {
    Analyzer analyzer;
    std::vector<std::string_view> terms;
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const auto row = out.subspan(i * dim(), dim());
      std::ranges::fill(row, 0.0F);
      terms.clear();
      analyzer.Analyze(texts[i], terms);
      for (const std::string_view term : terms) {
        const std::uint64_t hash = core::HashBytes64(term);
        row[hash % dim()] += (hash >> 32 & 1) != 0 ? 1.0F : -1.0F;
      }
      float norm = 0;
      for (const float x : row) norm += x * x;
      for (float& x : row) x /= norm > 0 ? std::sqrt(norm) : 1;
    }
    ++calls;
    texts_encoded += texts.size();
    return {};
  }
  mutable std::size_t calls = 0;
  mutable std::size_t texts_encoded = 0;

 private:
  std::string name_;
};

inline std::string DataPath(std::string_view file) {
  const char* data = std::getenv("ASSAY_DATA");
  return data == nullptr ? std::string() : std::string(data) + "/" + std::string(file);
}

}  // namespace assay::corpus
