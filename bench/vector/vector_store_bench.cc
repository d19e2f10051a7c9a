// The lossless codec and the store on given vectors. usage: vector_store_bench MATRIX DIM FOLDER
// MATRIX: float32 rows as raw bytes. FOLDER: an empty folder on the disk to measure. Prints one
// JSON object a line: {"name", "saved", "gb_per_second", "encode_gb_per_second"}, {"name",
// "p50_us", "p99_us"} or {"name", "saved"}. The values that come back are compared bit by bit
// first. bench/peers/vector_store.py runs it beside its peers.
#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <string>
#include <vector>

#include "assay/core/clock.h"
#include "assay/vector/float_codec.h"
#include "assay/vector/vector_store.h"

namespace {

namespace vector = assay::vector;

constexpr int kRuns = 9;
constexpr int kEncodeRuns = 5;
constexpr std::size_t kReads = 20'000;
constexpr std::size_t kUpdates = 300;

[[noreturn]] void Stop(const std::string& message) {
  std::fprintf(stderr, "vector_store_bench: %s\n", message.c_str());
  std::exit(1);
}

double CpuSeconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

double WallUs() {
  return std::chrono::duration<double, std::micro>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

void BenchCodec(const char* name, const std::vector<float>& rows, std::size_t dim) {
  std::string bytes;
  double encode = 1e9;
  for (int run = 0; run < kEncodeRuns; ++run) {
    const double start = CpuSeconds();
    bytes = vector::EncodeFloatBlock(rows, dim).value();
    encode = std::min(encode, CpuSeconds() - start);
  }
  std::vector<float> back(rows.size());
  double best = 1e9;
  for (int run = 0; run < kRuns; ++run) {
    const double start = CpuSeconds();
    const auto block = vector::FloatBlock::Open(bytes);  // its tables are a part of decoding
    if (!block || !block->Decode(0, back)) Stop("a block does not decode");
    best = std::min(best, CpuSeconds() - start);
  }
  const std::size_t size = rows.size() * sizeof(float);
  if (std::memcmp(back.data(), rows.data(), size) != 0) Stop("other bits came back");
  const auto total = static_cast<double>(size);
  std::printf(
      "{\"name\": \"codec/%s\", \"saved\": %.4f, \"gb_per_second\": %.3f, "
      "\"encode_gb_per_second\": %.3f}\n",
      name, 1 - static_cast<double>(bytes.size()) / total, total / best / 1e9,
      total / encode / 1e9);
}

std::vector<float> Masked(std::vector<float> rows, std::uint32_t mask) {
  for (float& value : rows) {
    value = std::bit_cast<float>(std::bit_cast<std::uint32_t>(value) & mask);
  }
  return rows;
}

std::vector<float> AsInt8(std::vector<float> rows, std::size_t dim) {
  for (std::size_t at = 0; at < rows.size(); at += dim) {
    float most = 0;
    for (std::size_t i = 0; i < dim; ++i) most = std::max(most, std::abs(rows[at + i]));
    for (std::size_t i = 0; i < dim && most > 0; ++i) {
      rows[at + i] = std::round(rows[at + i] / (most / 127)) * (most / 127);
    }
  }
  return rows;
}

void Print(const char* name, std::vector<double>& us) {
  std::ranges::sort(us);
  std::printf("{\"name\": \"store/%s\", \"p50_us\": %.2f, \"p99_us\": %.2f}\n", name,
              us[us.size() / 2], us[us.size() * 99 / 100]);
}

void BenchStore(const std::vector<float>& rows, std::size_t dim, const std::string& folder) {
  vector::StoreOptions options;
  options.folder = folder + "/store";
  options.dim = dim;
  options.background = false;
  auto opened = vector::VectorStore::Open(assay::core::FileSystem::Real(), options);
  if (!opened) Stop(opened.error().message);
  vector::VectorStore& store = **opened;
  const std::size_t count = rows.size() / dim;
  vector::VectorBatch batch(dim);
  for (std::size_t r = 0; r < count; ++r) batch.Put(r, std::span(rows).subspan(r * dim, dim));
  if (!store.Commit(batch) || !store.Compact()) Stop("the store was not filled");
  std::vector<float> out(dim);
  assay::core::SeededRng rng(1);
  std::vector<float> now = rows;  // what the store must give back
  const auto read = [&](const char* name, std::size_t among) {
    std::vector<double> us;
    for (std::size_t i = 0; i < kReads; ++i) {
      const std::uint64_t id = rng.Below(among);
      const double start = WallUs();
      if (!store.Get(id, out)) Stop("a vector is missing");
      us.push_back(WallUs() - start);
      if (i < 100 && std::memcmp(out.data(), now.data() + id * dim, dim * sizeof(float)) != 0) {
        Stop("other bits came back");
      }
    }
    Print(name, us);
  };
  const auto update = [&](const char* name) {
    std::vector<double> us;
    for (std::size_t i = 0; i < kUpdates; ++i) {
      const double start = WallUs();
      if (!store.Put(i, std::span(now).subspan(i * dim, dim))) Stop("an update failed");
      us.push_back(WallUs() - start);
    }
    Print(name, us);
  };
  read("read_packed", count);
  // Other vectors, which are kept as they are, and then the old ones a little moved: differences.
  std::copy_n(rows.data() + dim, kUpdates * dim, now.data());
  update("durable_update");
  read("read_updated", kUpdates);
  for (std::size_t i = 0; i < kUpdates * dim; ++i) {
    now[i] = rows[i] * (1 + 0.001F * static_cast<float>(rng.NextUnit() - 0.5));
  }
  update("durable_drift");
  read("read_drifted", kUpdates);
  const auto log = store.Log();
  if (!log || log->back().deltas != 1) Stop("a small change was not kept as a difference");
  std::printf(
      "{\"name\": \"store/drift\", \"saved\": %.4f}\n",
      1 - static_cast<double>(log->back().size_bytes) / static_cast<double>(dim * sizeof(float)));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) Stop("usage: vector_store_bench MATRIX DIM FOLDER");
  std::ifstream file(argv[1], std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  const auto dim = static_cast<std::size_t>(std::strtoul(argv[2], nullptr, 10));
  if (dim == 0 || bytes.size() < dim * sizeof(float) * (kUpdates + 1)) Stop("too few rows");
  std::vector<float> rows(bytes.size() / sizeof(float) / dim * dim);
  std::memcpy(rows.data(), bytes.data(), rows.size() * sizeof(float));
  BenchCodec("float32", rows, dim);
  BenchCodec("bfloat16", Masked(rows, 0xffff0000U), dim);
  BenchCodec("float16", Masked(rows, 0xffffe000U), dim);
  BenchCodec("int8", AsInt8(rows, dim), dim);
  BenchStore(rows, dim, argv[3]);
  return 0;
}
