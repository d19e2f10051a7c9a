// What `assay embed` is asked for, and the provider that answers it.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "assay/core/result.h"
#include "assay/embed/provider.h"

namespace assay::cli {

struct EmbedCommandOptions {
  std::string file;
  std::string out;
  std::string store;  // folder of a vector store, instead of `out`
  std::string ids;
  std::string progress;
  std::string cache;
  std::string provider = "local";
  std::string model;
  std::size_t dim = 0;
  bool ask_dim = false;
  bool raw = false;  // Titan v2 without normalisation
  std::string base_url;
  std::string key_file;
  std::string region;
  std::string profile;
  std::string endpoint;
  std::string ca_file;
  std::string proxy;
  bool allow_plain_http = false;
  std::optional<double> requests_per_minute;
  std::optional<double> tokens_per_minute;
  std::optional<std::size_t> batch;
  std::optional<std::size_t> parallel;
  std::optional<double> price;
  std::size_t attempts = 8;
  double retry_wait_s = 0.5;
  double timeout_s = 60;
  double deadline_s = 0;  // 0: none
  bool skip_bad_lines = false;
  bool dry_run = false;
  bool json = false;
};

struct OpenedProvider {
  std::unique_ptr<embed::Provider> provider;  // with limits and retries where it is remote
  std::shared_ptr<const embed::TokenCounter> counter;
};

// Reads keys and credentials from the environment and the files that the options name.
[[nodiscard]] Result<OpenedProvider> OpenProvider(const EmbedCommandOptions& options);

}  // namespace assay::cli
