// embedding_tiers [--lookups N] [--rows N] [--dim N] [--precision float32|bfloat16]
//
// Replays look-ups of embeddings, Zipf with exponent 1, on the three-tier cache and on a plain map
// of float32 rows, in one process, and prints who holds what share, what memory that takes, and
// what no policy could pass. Every answer is compared with the row that was put.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <fmt/format.h>
#include <malloc.h>
#include <unistd.h>

#include "assay/cache/embedding/tiered_embeddings.h"
#include "assay/core/clock.h"

#include "bounds.h"

namespace assay::bench {
namespace {

constexpr double kWanted = 0.95;
constexpr double kMb = 1e6;
constexpr double kUsPerNs = 1e-3;

struct Plan {
  std::size_t lookups = 1'000'000;
  std::size_t rows = 10'000;
  std::size_t dim = 1536;
  bool bfloat16 = false;
};

// Unit vectors around 100 centres, the same for the same number; made when they are asked for, so
// that the originals take no memory.
void MakeRow(const Plan& plan, std::uint64_t number, std::span<float> out) {
  core::SeededRng centre(number % 100 + 1);
  core::SeededRng own(number + 1'000);
  double square = 0;
  for (float& value : out) {
    // The sum of four uniforms is normal enough for exponents and mantissas.
    const double noise = own.NextUnit() + own.NextUnit() + own.NextUnit() + own.NextUnit() - 2;
    const double middle = centre.NextUnit() + centre.NextUnit() - 1;
    value = static_cast<float>(middle + noise);
    square += static_cast<double>(value) * value;
  }
  const double norm = std::sqrt(square);
  for (float& value : out) {
    value = static_cast<float>(value / norm);
    if (!plan.bfloat16) continue;
    std::uint32_t bits = 0;
    std::memcpy(&bits, &value, sizeof(bits));
    bits = (bits + 0x8000U) & 0xFFFF0000U;
    std::memcpy(&value, &bits, sizeof(bits));
  }
}

// Anonymous memory and mapped files of this process, MB.
struct Memory {
  double anonymous = 0;
  double files = 0;
};
Memory MemoryNow() {
  malloc_trim(0);
  std::ifstream status("/proc/self/status");
  Memory memory;
  std::string word;
  while (status >> word) {
    double kb = 0;
    if (word == "RssAnon:" && status >> kb) memory.anonymous = kb * 1024 / kMb;
    if (word == "RssFile:" && status >> kb) memory.files = kb * 1024 / kMb;
  }
  return memory;
}

core::Hash128 KeyOf(std::uint32_t number) {
  return embed::EmbeddingKey("bench", std::to_string(number));
}

struct Latency {
  std::vector<float> ns;
  void Print(std::string_view name) {
    if (ns.empty()) return;
    double sum = 0;
    for (const float value : ns) sum += static_cast<double>(value);
    std::ranges::sort(ns);
    const auto at = [&](double share) {
      return static_cast<double>(
                 ns[static_cast<std::size_t>(share * static_cast<double>(ns.size() - 1))]) *
             kUsPerNs;
    };
    fmt::print("| {} | {:.2f} | {:.2f} | {:.2f} |\n", name,
               sum / static_cast<double>(ns.size()) * kUsPerNs, at(0.5), at(0.99));
  }
};

class Replay {
 public:
  explicit Replay(const Plan& plan)
      : plan_(plan), trace_(ZipfTrace(plan.lookups, plan.rows, 1.0, 20'261'121)) {
    std::vector<float> row(plan.dim);
    for (std::uint32_t i = 0; i < plan.rows; ++i) {
      keys_.push_back(KeyOf(i));
      MakeRow(plan, i, row);
      hashes_.push_back(HashOf(row));
    }
  }

  void Plain() {
    const Memory before = MemoryNow();
    auto map = std::make_unique<std::unordered_map<core::Hash128, std::vector<float>>>();
    for (std::uint32_t i = 0; i < plan_.rows; ++i) {
      std::vector<float> row(plan_.dim);
      MakeRow(plan_, i, row);
      map->emplace(keys_[i], std::move(row));
    }
    const Memory after = MemoryNow();
    plain_mb_ = after.anonymous - before.anonymous;
    plain_.ns.reserve(trace_.size());
    std::vector<float> out(plan_.dim);
    for (const std::uint32_t number : trace_) {
      const auto begin = std::chrono::steady_clock::now();
      std::ranges::copy(map->find(keys_[number])->second, out.begin());
      plain_.ns.push_back(NsSince(begin));
      Compare(number, out);
    }
  }

  void Tiers(const std::string& folder) {
    Fill(folder);
    const Memory before = MemoryNow();
    const auto cache = Open(folder);
    std::vector<float> out(plan_.dim);
    for (Latency* tier : {&hot_, &compressed_, &disk_}) tier->ns.reserve(trace_.size());
    cache::EmbeddingTierStats last;
    for (const std::uint32_t number : trace_) {
      const auto begin = std::chrono::steady_clock::now();
      const bool there = cache->Get(keys_[number], out);
      const float ns = NsSince(begin);
      if (!there) Stop("a row that was put is missing");
      Compare(number, out);
      const cache::EmbeddingTierStats now = cache->stats();
      (now.hot_hits > last.hot_hits                 ? hot_
       : now.compressed_hits > last.compressed_hits ? compressed_
                                                    : disk_)
          .ns.push_back(ns);
      last = now;
    }
    stats_ = last;
    // The latencies that were noted are no part of the cache.
    const double noted_mb = static_cast<double>(trace_.size() * sizeof(float)) / kMb;
    const Memory after = MemoryNow();
    tiers_mb_ = after.anonymous - before.anonymous - noted_mb;
    CompareColdReads(folder);
  }

  void Print() {
    const auto share = [&](std::uint64_t hits) {
      return 100.0 * static_cast<double>(hits) / static_cast<double>(stats_.lookups);
    };
    fmt::print("{} look-ups, Zipf 1.0, over {} rows of {} x {}\n\n", plan_.lookups, plan_.rows,
               plan_.dim, plan_.bfloat16 ? "bfloat16 precision" : "float32");
    fmt::print("| tier | rows | MB | share of look-ups |\n|---|---:|---:|---:|\n");
    fmt::print("| L1, float32 | {} | {:.2f} | {:.2f} % |\n", stats_.hot_rows,
               static_cast<double>(stats_.hot_bytes) / kMb, share(stats_.hot_hits));
    fmt::print("| L2, compressed | {} | {:.2f} | {:.2f} % |\n", stats_.compressed_rows,
               static_cast<double>(stats_.compressed_bytes) / kMb, share(stats_.compressed_hits));
    fmt::print("| L1 + L2 | {} | {:.2f} | {:.2f} % |\n", stats_.hot_rows + stats_.compressed_rows,
               static_cast<double>(stats_.hot_bytes + stats_.compressed_bytes) / kMb,
               share(stats_.hot_hits + stats_.compressed_hits));
    fmt::print("| L3, disk | {} | {:.2f} on disk | {:.2f} % |\n\n", stats_.rows,
               static_cast<double>(stats_.disk_bytes) / kMb, share(stats_.disk_hits));
    fmt::print(
        "resident: plain float32 map {:.1f} MB, three tiers {:.1f} MB (of that the index "
        "{:.2f} MB)\n\n",
        plain_mb_, tiers_mb_, static_cast<double>(stats_.index_bytes) / kMb);
    fmt::print("| look-up, us | mean | median | 99 % |\n|---|---:|---:|---:|\n");
    plain_.Print("plain float32 map");
    Latency all;
    for (const Latency* tier : {&hot_, &compressed_, &disk_}) {
      all.ns.insert(all.ns.end(), tier->ns.begin(), tier->ns.end());
    }
    all.Print("three tiers, all");
    hot_.Print("L1");
    compressed_.Print("L2");
    disk_.Print("L3");
    fmt::print("\n{}\n", cold_reads_);
    PrintBounds();
  }

 private:
  void PrintBounds() const {
    const std::size_t both = stats_.hot_rows + stats_.compressed_rows;
    fmt::print("\n| bound, with all of the trace known | rows | share |\n|---|---:|---:|\n");
    for (const std::size_t rows : {static_cast<std::size_t>(stats_.hot_rows), both}) {
      fmt::print("| most popular rows | {} | {:.2f} % |\n", rows,
                 100 * BestFixedShare(trace_, plan_.rows, rows));
      fmt::print("| Belady's optimum | {} | {:.2f} % |\n", rows,
                 100 * BeladyShare(trace_, plan_.rows, rows));
    }
    std::size_t low = 1;
    std::size_t high = plan_.rows;
    while (low < high) {
      const std::size_t middle = (low + high) / 2;
      if (BeladyShare(trace_, plan_.rows, middle) >= kWanted) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    const double row_mb = static_cast<double>(plan_.dim * sizeof(float)) / kMb;
    std::size_t fixed = 1;
    while (fixed < plan_.rows && BestFixedShare(trace_, plan_.rows, fixed) < kWanted) fixed += 10;
    fmt::print(
        "\n{:.0f} % from L1 need {} float32 rows ({:.1f} MB) with Belady's optimum, {} "
        "({:.1f} MB) with the most popular rows\n",
        100 * kWanted, low, static_cast<double>(low) * row_mb, fixed,
        static_cast<double>(fixed) * row_mb);
  }

  static float NsSince(std::chrono::steady_clock::time_point begin) {
    return std::chrono::duration<float, std::nano>(std::chrono::steady_clock::now() - begin)
        .count();
  }
  static std::uint64_t HashOf(std::span<const float> row) {
    return core::HashBytes64({reinterpret_cast<const char*>(row.data()), row.size_bytes()});
  }
  [[noreturn]] static void Stop(std::string_view why) {
    fmt::print(stderr, "embedding_tiers: {}\n", why);
    std::exit(1);
  }
  void Compare(std::uint32_t number, std::span<const float> row) const {
    if (HashOf(row) != hashes_[number]) Stop("a row came back changed");
  }
  [[nodiscard]] std::unique_ptr<cache::TieredEmbeddings> Open(const std::string& folder) const {
    auto cache =
        cache::TieredEmbeddings::Open(core::FileSystem::Real(), folder, "bench", plan_.dim);
    if (!cache) Stop(cache.error().message);
    return *std::move(cache);
  }
  void Fill(const std::string& folder) const {
    const auto cache = Open(folder);
    std::vector<float> row(plan_.dim);
    for (std::uint32_t i = 0; i < plan_.rows; ++i) {
      MakeRow(plan_, i, row);
      if (const auto put = cache->Put(keys_[i], row); !put) Stop(put.error().message);
    }
    if (const auto synced = cache->Sync(); !synced) Stop(synced.error().message);
  }

  // The same random reads of a row's bytes by position and out of a mapping.
  void CompareColdReads(const std::string& folder) {
    constexpr std::size_t kReads = 20'000;
    core::FileSystem& files = core::FileSystem::Real();
    const std::string path = folder + "/embeddings.log";
    const auto reader = files.OpenRead(path);
    const auto mapped = files.Map(path);
    if (!reader || !mapped) Stop("the log cannot be read");
    const std::size_t size = stats_.disk_bytes / (stats_.rows + 1);
    std::vector<char> bytes(size);
    core::SeededRng rng(5);
    std::vector<std::uint64_t> offsets(kReads);
    for (std::uint64_t& offset : offsets) offset = rng.Below(stats_.disk_bytes - size);
    const auto time = [&](auto&& read) {
      const auto begin = std::chrono::steady_clock::now();
      for (const std::uint64_t offset : offsets) read(offset);
      return static_cast<double>(NsSince(begin)) * kUsPerNs / kReads;
    };
    const double before_mb = MemoryNow().files;
    const double by_position = time([&](std::uint64_t offset) {
      if (!(*reader)->ReadAt(offset, bytes)) Stop("a read failed");
    });
    const double position_mb = MemoryNow().files - before_mb;
    const double by_mapping = time([&](std::uint64_t offset) {
      std::memcpy(bytes.data(), (*mapped)->bytes().data() + offset, size);
    });
    cold_reads_ = fmt::format(
        "an L3 row's {} bytes: by position {:.2f} us and {:.1f} MB more resident, by mapping "
        "{:.2f} "
        "us and {:.1f} MB",
        size, by_position, position_mb, by_mapping, MemoryNow().files - before_mb);
  }

  Plan plan_;
  std::vector<std::uint32_t> trace_;
  std::vector<core::Hash128> keys_;
  std::vector<std::uint64_t> hashes_;
  Latency plain_, hot_, compressed_, disk_;
  double plain_mb_ = 0;
  double tiers_mb_ = 0;
  cache::EmbeddingTierStats stats_;
  std::string cold_reads_;
};

int Main(int argc, char** argv) {
  Plan plan;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    if (name == "--lookups") plan.lookups = std::strtoull(argv[i + 1], nullptr, 10);
    if (name == "--rows") plan.rows = std::strtoull(argv[i + 1], nullptr, 10);
    if (name == "--dim") plan.dim = std::strtoull(argv[i + 1], nullptr, 10);
    if (name == "--precision") plan.bfloat16 = std::string_view(argv[i + 1]) == "bfloat16";
  }
  std::string folder = (std::filesystem::temp_directory_path() / "assay-tiers-XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) return 1;
  Replay replay(plan);
  replay.Plain();
  replay.Tiers(folder);
  replay.Print();
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
  return 0;
}

}  // namespace
}  // namespace assay::bench

int main(int argc, char** argv) {
  return assay::bench::Main(argc, argv);
}
