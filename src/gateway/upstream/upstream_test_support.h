// upstream_test_support.h: runs upstream calls in tests.
#pragma once
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>  // Boost 1.81's awaitable.hpp does not include it
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "upstream/provider.h"

namespace assay::gateway {

// Runs the io_context until the call is over.
template <typename T>
T RunCall(asio::io_context& context, asio::awaitable<T> call) {
  std::optional<T> result;
  asio::co_spawn(context, std::move(call), [&](const std::exception_ptr& problem, T value) {
    if (problem) std::rethrow_exception(problem);
    result.emplace(std::move(value));
  });
  context.restart();
  while (!result && context.run_one() > 0) {
  }
  return std::move(*result);
}

// Keeps all it gets; calls `on_chunk` for each chunk, which may refuse it.
class CollectingSink final : public ChunkSink {
 public:
  asio::awaitable<Result<void>> Head(const UpstreamHead& head) override {
    ++heads;
    status = head.status;
    content_type = head.content_type;
    co_return Result<void>();
  }
  asio::awaitable<Result<void>> Chunk(std::string_view bytes) override {
    chunks.emplace_back(bytes);
    text.append(bytes);
    if (on_chunk) co_return on_chunk(bytes);
    co_return Result<void>();
  }

  std::function<Result<void>(std::string_view)> on_chunk;
  int heads = 0;
  int status = 0;
  std::string content_type;
  std::vector<std::string> chunks;
  std::string text;
};

}  // namespace assay::gateway
