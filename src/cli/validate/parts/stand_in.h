// An upstream for the parts of `assay validate` in which it does not matter what the model says: a
// true HTTP/1.1 server on a free port of this machine that gives every question the same answer.
#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "assay/core/result.h"

#include "validate/parts/wire.h"

namespace assay::cli::validate {

class StandIn {
 public:
  // Serves from its own threads until it is destroyed. Errors: kUnavailable.
  [[nodiscard]] static Result<std::unique_ptr<StandIn>> Start(std::string_view answer);
  ~StandIn();
  StandIn(const StandIn&) = delete;
  StandIn& operator=(const StandIn&) = delete;

  [[nodiscard]] std::string url() const;
  [[nodiscard]] std::uint64_t calls() const { return calls_.load(std::memory_order_relaxed); }

 private:
  StandIn() = default;
  void Accept();
  void Serve(int fd);

  Socket listener_;
  std::uint16_t port_ = 0;
  std::string reply_;
  std::atomic<std::uint64_t> calls_{0};  // partner: calls(); counts only
  std::mutex mutex_;
  bool stopping_ = false;             // under mutex_
  std::vector<int> connections_;      // under mutex_
  std::vector<std::thread> serving_;  // under mutex_
  std::thread accepting_;
};

}  // namespace assay::cli::validate
