// assay vector put|get|erase|compact
#include <cmath>
#include <optional>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/core/file_system.h"
#include "assay/vector/npy.h"

#include "input.h"
#include "json_output.h"
#include "vector/store_commands.h"

namespace assay::cli {
namespace {

constexpr std::size_t kCommitBytes = std::size_t{64} << 20;  // a longer input is cut into commits
constexpr std::uint64_t kMaxFileBytes = std::uint64_t{4} << 30;

struct Options {
  StoreArguments store;
  std::string input;
  std::string encoder;
  std::uint64_t first_id = 0;  // of a .npy file's rows
  std::vector<std::uint64_t> ids;
  std::uint64_t version = 0;
  bool has_version = false;
};

struct Row {
  std::uint64_t id = 0;
  std::vector<float> values;
};

// null stands for NaN, which JSON cannot write.
std::optional<float> FloatOf(const boost::json::value& value) {
  if (value.is_null()) return std::nanf("");
  boost::system::error_code error;
  const double number = value.to_number<double>(error);
  if (error) return std::nullopt;
  return static_cast<float>(number);
}

Result<Row> ParseRow(std::string_view line, const std::string& input, std::size_t number) {
  const auto wrong = [&](std::string_view what) {
    return Fail(Code::kInvalidArgument,
                fmt::format("{}, line {}: {}; a line is {{\"id\": 7, \"vector\": [0.1, ...]}}",
                            NameOfInput(input), number, what));
  };
  boost::system::error_code error;
  const boost::json::value value = boost::json::parse(line, error);
  if (error || !value.is_object()) return wrong("it is no JSON object");
  const boost::json::value* id = value.as_object().if_contains("id");
  const boost::json::value* vector = value.as_object().if_contains("vector");
  if (id == nullptr || vector == nullptr || !vector->is_array()) {
    return wrong("'id' or 'vector' is missing");
  }
  Row row;
  row.id = id->to_number<std::uint64_t>(error);
  if (error) return wrong("'id' is no number from 0 to 2^64 - 1");
  for (const boost::json::value& one : vector->as_array()) {
    const std::optional<float> number_of_one = FloatOf(one);
    if (!number_of_one) return wrong("'vector' holds something that is no number");
    row.values.push_back(*number_of_one);
  }
  if (row.values.empty()) return wrong("'vector' is empty");
  return row;
}

// Commits rows as they come, so that memory stays bounded.
class Importer {
 public:
  explicit Importer(const Options& options) : options_(options) {}

  Result<void> TakeLine(std::string_view line) {
    ++lines_;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) return {};
    ASSAY_ASSIGN(const Row row, ParseRow(line, options_.input, lines_));
    if (batch_ && row.values.size() != batch_->dim()) {
      return Fail(
          Code::kInvalidArgument,
          fmt::format("{}, line {}: {} dimensions, the first line has {}",
                      NameOfInput(options_.input), lines_, row.values.size(), batch_->dim()));
    }
    return Take(row.id, row.values);
  }

  // Requires: values of the same dimensions as all before.
  Result<void> Take(std::uint64_t id, std::span<const float> values) {
    if (!batch_) batch_.emplace(values.size());
    bool finite = true;
    bool zero = true;
    for (const float value : values) {
      finite = finite && std::isfinite(value);
      zero = zero && value == 0;
    }
    not_finite_ += finite ? 0 : 1;
    zeros_ += zero ? 1 : 0;
    ++rows_;
    batch_->Put(id, values);
    return batch_->size_bytes() >= kCommitBytes ? Flush() : Result<void>();
  }

  Result<int> Finish() {
    if (!batch_) {
      return Fail(Code::kInvalidArgument,
                  fmt::format("{} holds no vectors", NameOfInput(options_.input)));
    }
    ASSAY_TRY(Flush());
    const vector::StoreStats stats = store_->Stats();
    if (options_.store.json) {
      fmt::print("{}", PrettyJson({{"put", rows_},
                                   {"not_finite", not_finite_},
                                   {"zero", zeros_},
                                   {"vectors", stats.rows},
                                   {"version", stats.version}}));
      return kExitSuccess;
    }
    fmt::print("{} vectors put; version {} has {} vectors\n", rows_, stats.version, stats.rows);
    if (not_finite_ + zeros_ > 0) {
      fmt::print(stderr,
                 "assay: note: {} vectors hold a NaN or an infinity and {} only zeros; no search "
                 "finds those\n",
                 not_finite_, zeros_);
    }
    return kExitSuccess;
  }

 private:
  // The store is made when there is something to put: wrong input leaves nothing behind.
  Result<void> Flush() {
    if (batch_->empty()) return {};
    if (store_ == nullptr) {
      ASSAY_ASSIGN(store_, OpenForWriting(options_.store, batch_->dim(), options_.encoder));
    }
    ASSAY_TRY(store_->Commit(*batch_));
    batch_.emplace(store_->dim());
    return {};
  }

  const Options& options_;
  std::unique_ptr<vector::VectorStore> store_;
  std::optional<vector::VectorBatch> batch_;
  std::size_t lines_ = 0;
  std::uint64_t rows_ = 0;
  std::uint64_t not_finite_ = 0;
  std::uint64_t zeros_ = 0;
};

// The rows of a NumPy array, as they are: ids from --first-id on.
Result<int> PutNpy(const Options& options) {
  ASSAY_ASSIGN(const vector::NpyFile file,
               vector::NpyFile::Open(core::FileSystem::Real(), options.input));
  std::vector<float> converted;
  std::span<const float> values = file.float_values();
  if (values.empty()) {
    Result<std::vector<float>> floats = file.ToFloats();
    if (!floats) return Fail(floats.error().code, options.input + ": " + floats.error().message);
    converted = *std::move(floats);
    values = converted;
  }
  Importer importer(options);
  const std::size_t dim = file.dim();
  for (std::size_t row = 0; row < file.rows() && dim > 0; ++row) {
    ASSAY_TRY(importer.Take(options.first_id + row, values.subspan(row * dim, dim)));
  }
  return importer.Finish();
}

Result<int> RunPut(const Options& options) {
  if (options.input.ends_with(".npy")) return PutNpy(options);
  Importer importer(options);
  std::string rest;
  const auto take = [&](std::string_view piece) -> Result<void> {
    rest += piece;
    std::size_t begin = 0;
    for (std::size_t end = rest.find('\n'); end != std::string::npos;
         end = rest.find('\n', begin)) {
      ASSAY_TRY(importer.TakeLine(std::string_view(rest).substr(begin, end - begin)));
      begin = end + 1;
    }
    rest.erase(0, begin);
    return {};
  };
  if (options.input == "-") {
    ASSAY_TRY(FollowStandardInput(take));
  } else {
    ASSAY_ASSIGN(const std::string text,
                 core::FileSystem::Real().ReadFile(options.input, kMaxFileBytes));
    ASSAY_TRY(take(text));
  }
  if (!rest.empty()) ASSAY_TRY(importer.TakeLine(rest));
  return importer.Finish();
}

Result<int> RunGet(const Options& options) {
  ASSAY_ASSIGN(const auto store, OpenForReading(options.store));
  const std::uint64_t version = options.has_version ? options.version : store->version();
  ASSAY_ASSIGN(const auto view, store->ViewAt(version));
  std::vector<float> values(view->dim());
  for (const std::uint64_t id : options.ids) {
    const auto row = view->RowOf(id);
    if (!row) {
      return Fail(Code::kNotFound, fmt::format("there is no vector {} in version {} of '{}'", id,
                                               version, options.store.folder));
    }
    ASSAY_TRY(view->Read(*row, values));
    boost::json::array list;
    for (const float value : values) {
      list.push_back(std::isfinite(value) ? boost::json::value(value)
                                          : boost::json::value(nullptr));
    }
    fmt::print("{}", CompactJson({{"id", id}, {"vector", std::move(list)}}));
  }
  return kExitSuccess;
}

Result<int> RunErase(const Options& options) {
  ASSAY_ASSIGN(const auto store, OpenForWriting(options.store, 0, ""));
  vector::VectorBatch batch(store->dim());
  for (const std::uint64_t id : options.ids) batch.Erase(id);
  ASSAY_ASSIGN(const std::uint64_t version, store->Commit(batch));
  const std::uint64_t left = store->Stats().rows;
  if (options.store.json) {
    fmt::print("{}", PrettyJson({{"version", version}, {"vectors", left}}));
  } else {
    fmt::print("version {} has {} vectors\n", version, left);
  }
  return kExitSuccess;
}

Result<int> RunCompact(const Options& options) {
  ASSAY_ASSIGN(const auto store, OpenForWriting(options.store, 0, ""));
  const std::uint64_t before = store->Stats().disk_bytes;
  ASSAY_TRY(store->Compact());
  const vector::StoreStats stats = store->Stats();
  if (options.store.json) {
    fmt::print("{}", PrettyJson({{"version", stats.version},
                                 {"base_bytes", stats.base_bytes},
                                 {"disk_bytes_before", before},
                                 {"disk_bytes", stats.disk_bytes}}));
  } else {
    fmt::print(
        "{} vectors packed into {} bytes; with what is kept to go back, {} bytes (before: "
        "{})\n",
        stats.rows, stats.base_bytes, stats.disk_bytes, before);
  }
  return kExitSuccess;
}

}  // namespace

void AddVectorRowCommands(CLI::App& group, Invocation& invocation) {
  auto options = std::make_shared<Options>();
  const auto add = [&](const char* name, const char* what, Result<int> (*run)(const Options&)) {
    return AddStoreCommand(group, invocation, options, name, what, run);
  };
  CLI::App* put =
      add("put", "Add vectors, or replace those of the same ids; makes the store", RunPut);
  put->add_option("input", options->input,
                  "NAME.npy, or JSON lines {\"id\": 7, \"vector\": [0.1, ...]}; - for standard "
                  "input")
      ->required();
  put->add_option("--encoder", options->encoder,
                  "What made the vectors; a store refuses those of another encoder")
      ->option_text("NAME");
  put->add_option("--first-id", options->first_id,
                  "Of a .npy file: the id of its first row; the others follow (default 0)")
      ->option_text("ID");
  put->footer(
      "Examples:\n  assay vector put my-vectors/ vectors.jsonl --encoder all-MiniLM-L6-v2\n"
      "  assay vector put my-vectors/ vectors.npy --first-id 1000\n"
      "  some-program | assay vector put my-vectors/ -");
  CLI::App* get = add("get", "Print vectors as JSON lines", RunGet);
  get->add_option("ids", options->ids, "Ids of vectors")->required();
  get->add_option("--version", options->version, "As they were in this version")
      ->option_text("V")
      ->each([options](const std::string&) { options->has_version = true; });
  get->footer(
      "Examples:\n  assay vector get my-vectors/ 7 8\n"
      "  assay vector get my-vectors/ 7 --version 3");
  CLI::App* erase = add("erase", "Remove vectors", RunErase);
  erase->add_option("ids", options->ids, "Ids of vectors")->required();
  erase->footer("Example:\n  assay vector erase my-vectors/ 7 8");
  CLI::App* compact =
      add("compact", "Pack the newest version and drop what is no longer kept", RunCompact);
  compact->footer("Example:\n  assay vector compact my-vectors/");
}

}  // namespace assay::cli
