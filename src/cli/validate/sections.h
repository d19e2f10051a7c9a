// The sections of `assay validate`, and what they share.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "assay/core/result.h"

#include "terminal.h"
#include "validate/report/finding.h"

namespace assay::cli::validate {

struct Options {
  std::string upstream;  // base URL of a model's server; sections that ask a model need it
  std::string model = "gemma-3-270m";
  std::string data;  // folder of the data sets; empty: rows on them are not measured
  std::string examples = "examples";
  std::string corpus = "fuzz/corpus";
  std::string folds = "models/verifier/folds";
  std::string twins = "bench/peers/memory";
  std::string python = "python3";
  std::string python_path = "python/src";  // where the Python package is
  std::vector<std::string> only;
  std::string markdown;
  bool json = false;
};

// One run: its options, a folder that goes away with it, and what was found so far.
class Session {
 public:
  // Errors: those of the disk.
  [[nodiscard]] static Result<Session> Begin(const Options& options);
  Session(Session&& other) noexcept;
  Session& operator=(Session&&) = delete;
  ~Session();

  [[nodiscard]] const Options& options() const { return options_; }
  [[nodiscard]] const std::string& folder() const { return folder_; }
  [[nodiscard]] const std::vector<Finding>& findings() const { return findings_; }

  void Add(Finding finding) { findings_.push_back(std::move(finding)); }
  void Step(std::string_view what, std::uint64_t done = 0, std::uint64_t total = 0);

 private:
  explicit Session(const Options& options) : options_(options) {}

  Options options_;
  std::string folder_;
  std::vector<Finding> findings_;
  std::shared_ptr<ProgressBar> progress_;
};

// Each adds its findings. An error means that the section could not go on; what it had found by
// then stays.
[[nodiscard]] Result<void> RunSpeed(Session& session);
[[nodiscard]] Result<void> RunAccuracy(Session& session);
[[nodiscard]] Result<void> RunSecurity(Session& session);
[[nodiscard]] Result<void> RunSolving(Session& session);
[[nodiscard]] Result<void> RunMemory(Session& session);
[[nodiscard]] Result<void> RunScaling(Session& session);

}  // namespace assay::cli::validate
