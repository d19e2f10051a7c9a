// assay embed FILE.jsonl --out VECTORS | --store STORE
#include <chrono>
#include <optional>
#include <vector>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/cache/embedding/tiered_embeddings.h"
#include "assay/core/clock.h"
#include "assay/core/file_system.h"
#include "assay/core/hash.h"
#include "assay/embed/embed_texts.h"

#include "command.h"
#include "embed/embed_options.h"
#include "embed/jsonl_texts.h"
#include "embed/store_target.h"
#include "embed/write_vectors.h"
#include "input.h"
#include "json_output.h"
#include "vector/store_commands.h"

namespace assay::cli {
namespace {

constexpr std::size_t kShownBadLines = 10;
constexpr double kNsPerSecond = 1e9;
constexpr std::size_t kTextsACommit = 4096;  // whose vectors are in memory on their way to a store

Result<void> ReportBadLines(const EmbedCommandOptions& options, const JsonlTexts& input) {
  if (input.bad.empty()) return {};
  const std::string name = NameOfInput(options.file);
  std::string lines;
  for (std::size_t i = 0; i < std::min(kShownBadLines, input.bad.size()); ++i) {
    lines += fmt::format("\n  {}:{}: {}", name, input.bad[i].line, input.bad[i].why);
  }
  if (input.bad.size() > kShownBadLines) {
    lines += fmt::format("\n  and {} more", input.bad.size() - kShownBadLines);
  }
  if (options.skip_bad_lines) {
    fmt::print(stderr, "assay: {} bad lines are left out:{}\n", input.bad.size(), lines);
    return {};
  }
  return Fail(Code::kInvalidArgument,
              fmt::format("{} bad lines; mend them, or leave them out with --skip-bad-lines:{}",
                          input.bad.size(), lines));
}

std::string Grouped(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, ",");
  return digits;
}

embed::EmbedProgress Sum(const embed::EmbedProgress& a, const embed::EmbedProgress& b) {
  return {.texts = a.texts + b.texts,
          .done = a.done + b.done,
          .from_cache = a.from_cache + b.from_cache,
          .repeated = a.repeated + b.repeated,
          .embedded = a.embedded + b.embedded,
          .calls = a.calls + b.calls,
          .requests = a.requests + b.requests,
          .tokens = a.tokens + b.tokens,
          .usd = a.usd + b.usd,
          .zero_rows = a.zero_rows + b.zero_rows};
}

boost::json::object ToJson(const EmbedCommandOptions& options, const embed::ProviderInfo& info,
                           const embed::EmbedProgress& progress, const JsonlTexts& input) {
  boost::json::array bad;
  for (const BadLine& line : input.bad) bad.push_back({{"line", line.line}, {"error", line.why}});
  return {{"provider", info.name},
          {"dim", info.dim},
          {"dry_run", options.dry_run},
          {"texts", progress.texts},
          {"from_cache", progress.from_cache},
          {"repeated", progress.repeated},
          {"embedded", progress.embedded},
          {"calls", progress.calls},
          {"requests", progress.requests},
          {"tokens", progress.tokens},
          {"usd", progress.usd},
          {"zero_vectors", progress.zero_rows},
          {"bad_lines", std::move(bad)}};
}

// One run of the command, from the texts to the files.
class EmbedRun {
 public:
  explicit EmbedRun(const EmbedCommandOptions& options) : options_(options) {}

  Result<int> Run() {
    ASSAY_ASSIGN(input_, ReadJsonlTexts(options_.file));
    ASSAY_TRY(ReportBadLines(options_, input_));
    if (input_.texts.empty()) {
      return Fail(Code::kInvalidArgument,
                  fmt::format("{}: no texts; it has no line such as {{\"id\": \"a\", \"text\": "
                              "\"...\"}}",
                              NameOfInput(options_.file)));
    }
    if (!options_.dry_run && options_.out.empty() && options_.store.empty()) {
      return Fail(Code::kInvalidArgument,
                  "name the file for the vectors with --out, or a vector store with --store");
    }
    if (!options_.store.empty()) {
      ASSAY_ASSIGN(store_ids_, StoreIdsOf(options_.file, input_.texts));
    }
    ASSAY_ASSIGN(opened_, OpenProvider(options_));
    for (const TextLine& text : input_.texts) texts_.emplace_back(text.text);
    ASSAY_TRY(OpenCaches());
    if (options_.dry_run) return Estimate();
    return options_.store.empty() ? Embed() : EmbedIntoStore();
  }

 private:
  [[nodiscard]] std::string ProgressPath() const {
    if (!options_.progress.empty()) return options_.progress;
    if (options_.store.empty()) return options_.out + ".progress";
    return options_.store.substr(0, options_.store.find_last_not_of('/') + 1) + ".progress";
  }
  [[nodiscard]] const embed::ProviderInfo& info() const { return opened_.provider->info(); }

  [[nodiscard]] bool HasProgressFile() const {
    return options_.cache.empty() || !options_.progress.empty();
  }

  // One folder for each provider, model and setting: their vectors never meet.
  [[nodiscard]] std::string CacheFolder() const {
    return fmt::format("{}/{}", options_.cache,
                       core::ToHex(core::HashBytes128(info().name)).substr(0, 16));
  }

  // A dry run looks into what is there, and makes nothing.
  Result<void> OpenCaches() {
    core::FileSystem& files = core::FileSystem::Real();
    const bool makes = !options_.dry_run;
    if (!options_.cache.empty() && (makes || files.Stat(CacheFolder()))) {
      ASSAY_ASSIGN(tiers_,
                   cache::TieredEmbeddings::Open(files, CacheFolder(), info().name, info().dim));
      caches_.push_back(tiers_.get());
    }
    if (!HasProgressFile()) return {};
    const bool has_target = !options_.out.empty() || !options_.store.empty();
    if (options_.dry_run && (!has_target || !files.Stat(ProgressPath()))) return {};
    ASSAY_ASSIGN(progress_,
                 embed::ProgressFile::Open(files, ProgressPath(), info().name, info().dim));
    caches_.push_back(progress_.get());
    return {};
  }

  [[nodiscard]] std::string NameOfText(std::size_t i) const {
    return fmt::format("{}:{}", NameOfInput(options_.file), input_.texts[i].line);
  }

  [[nodiscard]] embed::EmbedOptions Options() {
    embed::EmbedOptions options;
    options.counter = opened_.counter;
    options.caches = caches_;
    options.name_of = [this](std::size_t i) { return NameOfText(i); };
    if (options_.deadline_s > 0) {
      options.context.deadline_ns = core::Clock::Real().monotonic_ns() +
                                    static_cast<std::int64_t>(options_.deadline_s * kNsPerSecond);
    }
    return options;
  }

  Result<int> Estimate() {
    ASSAY_ASSIGN(const embed::EmbedProgress estimate,
                 embed::EstimateTexts(info(), texts_, Options()));
    if (options_.json) {
      fmt::print("{}", PrettyJson(ToJson(options_, info(), estimate, input_)));
      return kExitSuccess;
    }
    fmt::print(
        "{} texts with {}: {} would be embedded ({} are repeated, {} are known already) in "
        "{} calls, about {} tokens, {}\n",
        Grouped(estimate.texts), info().name, Grouped(estimate.embedded),
        Grouped(estimate.repeated), Grouped(estimate.from_cache), Grouped(estimate.calls),
        Grouped(estimate.tokens), Price(estimate.usd));
    return kExitSuccess;
  }

  [[nodiscard]] std::string Price(double usd) const {
    if (options_.provider == "local") return "free of charge";
    return info().usd_per_million_tokens > 0 ? fmt::format("${:.4f}", usd) : "price unknown";
  }

  Result<int> Embed() {
    std::vector<float> rows(texts_.size() * info().dim);
    embed::EmbedOptions options = Options();
    const auto begin = std::chrono::steady_clock::now();
    const auto seconds = [&] {
      return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    };
    embed::EmbedProgress last;
    Result<embed::EmbedProgress> done = [&] {
      ProgressBar bar("embedding");
      options.progress = [&](const embed::EmbedProgress& now) {
        last = now;
        const double rate = static_cast<double>(now.embedded) / std::max(seconds(), 1e-3);
        bar.Update(
            fmt::format("{:.0f} texts/s, {} tokens, {}", rate, Grouped(now.tokens), Price(now.usd)),
            now.done, now.texts);
      };
      return embed::EmbedTexts(*opened_.provider, texts_, rows, options);
    }();
    if (!done) return Stopped(done.error(), last.done);
    return Finish(*done, rows, seconds());
  }

  [[nodiscard]] std::unexpected<Error> Stopped(const Error& error, std::size_t done) const {
    return Fail(error.code,
                fmt::format("{}\n{} of {} texts are embedded and kept in '{}'; the same command "
                            "goes on from there",
                            error.message, done, texts_.size(),
                            HasProgressFile() ? ProgressPath() : options_.cache));
  }

  // A commit for each few thousand texts, so that memory stays bounded whatever the file.
  Result<int> EmbedIntoStore() {
    ASSAY_ASSIGN(const auto store, OpenForWriting({.folder = options_.store, .json = false},
                                                  info().dim, info().name));
    embed::EmbedOptions options = Options();
    const auto begin = std::chrono::steady_clock::now();
    const auto seconds = [&] {
      return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    };
    embed::EmbedProgress total;
    std::size_t put = 0;
    {
      ProgressBar bar("embedding");
      std::vector<float> rows;
      for (std::size_t first = 0; first < texts_.size(); first += kTextsACommit) {
        const std::size_t count = std::min(kTextsACommit, texts_.size() - first);
        rows.resize(count * info().dim);
        embed::EmbedProgress last;
        options.name_of = [this, first](std::size_t i) { return NameOfText(first + i); };
        options.progress = [&](const embed::EmbedProgress& now) {
          last = now;
          const embed::EmbedProgress all = Sum(total, now);
          const double rate = static_cast<double>(all.embedded) / std::max(seconds(), 1e-3);
          bar.Update(fmt::format("{:.0f} texts/s, {} tokens, {}", rate, Grouped(all.tokens),
                                 Price(all.usd)),
                     all.done, texts_.size());
        };
        const auto done = embed::EmbedTexts(*opened_.provider,
                                            std::span(texts_).subspan(first, count), rows, options);
        if (!done) return Stopped(done.error(), total.done + last.done);
        total = Sum(total, *done);
        ASSAY_ASSIGN(const std::size_t changed,
                     PutChanged(*store, std::span(store_ids_).subspan(first, count), rows));
        put += changed;
      }
    }
    return FinishStore(*store, total, put, seconds());
  }

  Result<int> FinishStore(const vector::VectorStore& store, const embed::EmbedProgress& done,
                          std::size_t put, double seconds) {
    if (!options_.ids.empty()) {
      ASSAY_TRY(WriteStoreIds(options_.ids, input_.texts, store_ids_));
    }
    ASSAY_TRY(RemoveProgress());
    WarnOfZeros(done);
    const vector::StoreStats stats = store.Stats();
    if (options_.json) {
      boost::json::object report = ToJson(options_, info(), done, input_);
      report["seconds"] = seconds;
      report["store"] = options_.store;
      report["put"] = put;
      report["version"] = stats.version;
      report["vectors"] = stats.rows;
      fmt::print("{}", PrettyJson(report));
      return kExitSuccess;
    }
    fmt::print("{} texts -> {}: {} vectors put, version {} has {}\n", Grouped(done.texts),
               options_.store, Grouped(put), stats.version, Grouped(stats.rows));
    PrintWork(done, seconds);
    return kExitSuccess;
  }

  Result<void> RemoveProgress() {
    if (!HasProgressFile() || !options_.progress.empty()) return {};
    return core::FileSystem::Real().Remove(ProgressPath());
  }

  static void WarnOfZeros(const embed::EmbedProgress& done) {
    if (done.zero_rows == 0) return;
    fmt::print(stderr, "assay: {} vectors are zero: no cosine is defined for them\n",
               done.zero_rows);
  }

  void PrintWork(const embed::EmbedProgress& done, double seconds) const {
    fmt::print(
        "{}: {} embedded, {} repeated, {} known already; {} tokens, {}, {} requests, {:.1f} "
        "s\n",
        info().name, Grouped(done.embedded), Grouped(done.repeated), Grouped(done.from_cache),
        Grouped(done.tokens), Price(done.usd), Grouped(done.requests), seconds);
  }

  Result<int> Finish(const embed::EmbedProgress& done, std::span<const float> rows,
                     double seconds) {
    const std::string ids = options_.ids.empty() ? options_.out + ".ids.jsonl" : options_.ids;
    ASSAY_TRY(WriteVectors(options_.out, rows, info().dim, info().name));
    ASSAY_TRY(WriteIds(ids, input_.texts));
    ASSAY_TRY(RemoveProgress());
    WarnOfZeros(done);
    if (options_.json) {
      boost::json::object report = ToJson(options_, info(), done, input_);
      report["seconds"] = seconds;
      report["out"] = options_.out;
      report["ids"] = ids;
      fmt::print("{}", PrettyJson(report));
      return kExitSuccess;
    }
    fmt::print("{} texts -> {} ({} x {}, ids in {})\n", Grouped(done.texts), options_.out,
               done.texts, info().dim, ids);
    PrintWork(done, seconds);
    return kExitSuccess;
  }

  const EmbedCommandOptions& options_;
  JsonlTexts input_;
  OpenedProvider opened_;
  std::vector<std::string_view> texts_;
  std::vector<std::uint64_t> store_ids_;  // where there is a store: of each text
  std::unique_ptr<cache::TieredEmbeddings> tiers_;
  std::unique_ptr<embed::ProgressFile> progress_;
  std::vector<embed::EmbeddingCache*> caches_;
};

void AddProviderOptions(CLI::App& command, EmbedCommandOptions& options) {
  command
      .add_option("--provider", options.provider,
                  "local, openai (and what speaks like it), bedrock")
      ->check(CLI::IsMember({"local", "openai", "bedrock"}))
      ->capture_default_str();
  command.add_option("--model", options.model,
                     "local: static-minilm-256, minilm-l6-v2-int8, minilm-l6-v2-f32; openai: the "
                     "server's name for it; bedrock: titan-v1, titan-v2");
  command.add_option("--dim", options.dim, "Dimensions, where the model leaves a choice");
  command.add_flag("--ask-dim", options.ask_dim,
                   "openai: send `dimensions` also for a model that is not OpenAI's");
  command.add_flag("--raw", options.raw, "titan-v2: vectors that are not normalised");
  command.add_option("--base-url", options.base_url, "openai: address up to and with /v1");
  command.add_option("--key-file", options.key_file,
                     "openai: file of mode 0600 with the key (default: OPENAI_API_KEY)");
  command.add_option("--region", options.region,
                     "bedrock: AWS region (default: AWS_REGION, or the "
                     "profile's)");
  command.add_option("--profile", options.profile,
                     "bedrock: profile of ~/.aws/credentials (default: AWS_ACCESS_KEY_ID ..., then "
                     "AWS_PROFILE)");
  command.add_option("--endpoint", options.endpoint, "bedrock: another address, such as a VPC's");
  command.add_option("--ca-file", options.ca_file, "Certificates to trust instead of the system's");
  command.add_option("--proxy", options.proxy, "HTTP proxy (default for https: HTTPS_PROXY)");
  command.add_flag("--allow-plain-http", options.allow_plain_http,
                   "Let texts and keys travel unencrypted to another machine");
}

void AddLimitOptions(CLI::App& command, EmbedCommandOptions& options) {
  command.add_option("--requests-per-minute", options.requests_per_minute, "0: no limit")
      ->check(CLI::NonNegativeNumber);
  command.add_option("--tokens-per-minute", options.tokens_per_minute, "0: no limit")
      ->check(CLI::NonNegativeNumber);
  command.add_option("--batch", options.batch, "Most texts in a call")
      ->check(CLI::Range(1, 100'000));
  command.add_option("--parallel", options.parallel, "Most calls at a time")
      ->check(CLI::Range(1, 256));
  command.add_option("--price", options.price, "US dollars for a million tokens")
      ->check(CLI::NonNegativeNumber);
  command.add_option("--attempts", options.attempts, "For each call")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command
      .add_option("--retry-wait", options.retry_wait_s,
                  "Most seconds before the second attempt; doubles with each, up to 30")
      ->check(CLI::Range(0.0, 30.0))
      ->capture_default_str();
  command.add_option("--timeout", options.timeout_s, "Seconds for a call")
      ->check(CLI::Range(0.001, 3600.0))
      ->capture_default_str();
  command.add_option("--deadline", options.deadline_s, "Seconds for all of it (default: none)")
      ->check(CLI::NonNegativeNumber);
}

}  // namespace

void AddEmbedCommand(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<EmbedCommandOptions>();
  CLI::App* command = app.add_subcommand("embed", "Turn texts into vectors, each text once");
  command
      ->add_option(
          "file", options->file,
          "JSON lines {\"id\": ..., \"text\": ...} or {\"text\": ...}; - for standard input")
      ->required();
  command->add_option("--out", options->out,
                      "The vectors: NAME.npy, or any other for a matrix file");
  CLI::Option* const out = command->get_option("--out");
  command
      ->add_option("--store", options->store,
                   "Instead: folder of a vector store (assay vector), made where there is none; "
                   "every line needs an `id`")
      ->excludes(out);
  command->add_option("--ids", options->ids,
                      "The rows' ids (default: OUT.ids.jsonl); with --store written only if named");
  command->add_option("--progress", options->progress,
                      "Where vectors are kept until the end (default: OUT.progress or "
                      "STORE.progress, removed at the end; one that is named is kept)");
  command->add_option("--cache", options->cache,
                      "Folder where vectors are kept for other jobs too, instead of --progress");
  AddProviderOptions(*command, *options);
  AddLimitOptions(*command, *options);
  command->add_flag("--skip-bad-lines", options->skip_bad_lines, "Leave bad lines out");
  command->add_flag("--dry-run", options->dry_run, "Only say how many tokens and what price");
  command->add_flag("--json", options->json, "Print one JSON object");
  command->footer(
      "A run that was stopped goes on where it was: run the same command again.\n"
      "Examples:\n"
      "  assay embed texts.jsonl --out texts.npy\n"
      "  assay embed texts.jsonl --model minilm-l6-v2-int8 --store my-vectors/\n"
      "  assay embed texts.jsonl --provider bedrock --model titan-v2 --dim 512 --dry-run\n"
      "  assay embed texts.jsonl --provider openai --base-url http://localhost:8080/v1 --model e5 "
      "--dim 1024 --out texts.mat");
  command->callback(
      [&invocation, options] { invocation.run = [options] { return EmbedRun(*options).Run(); }; });
}

}  // namespace assay::cli
