#include <charconv>
#include <latch>
#include <utility>

#include <boost/asio/ip/address.hpp>
#include <fmt/format.h>

#include "server_internal.h"

namespace assay::gateway {

using boost::asio::ip::tcp;

Result<tcp::endpoint> ParseAddress(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  std::string host = address.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  if (host == "localhost") host = "127.0.0.1";
  boost::system::error_code error;
  const boost::asio::ip::address ip = boost::asio::ip::make_address(host, error);
  std::uint16_t port = 0;
  const std::string_view digits =
      colon == std::string::npos ? std::string_view() : std::string_view(address).substr(colon + 1);
  const auto [end, bad] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error || digits.empty() || bad != std::errc() || end != digits.data() + digits.size()) {
    return Fail(Code::kInvalidArgument,
                fmt::format("'{}' is no address to listen on; write HOST:PORT with a numeric host, "
                            "such as 127.0.0.1:9000 or [::1]:9000",
                            address));
  }
  return tcp::endpoint(ip, port);
}

Server::Server(const ServerOptions& options, RequestSink& sink) : listen_(options.listen) {
  shared_.sink = &sink;
  shared_.limits = options.limits;
  shared_.tls = options.tls;
  for (std::size_t i = 0; i < options.threads; ++i) {
    threads_.push_back(std::make_unique<IoThread>(shared_, i));
  }
}

Server::~Server() {
  Stop();
}

Result<void> Server::Start() {
  for (const std::string& address : listen_) {
    ASSAY_ASSIGN(tcp::endpoint endpoint, ParseAddress(address));
    ASSAY_TRY(IoThread::CheckFree(endpoint));
    for (const auto& thread : threads_) {
      ASSAY_ASSIGN(const std::uint16_t port, thread->Listen(endpoint));
      endpoint.port(port);  // port 0: the first thread's choice holds for all
    }
    addresses_.push_back(AddressText(endpoint));
  }
  for (const auto& thread : threads_) {
    running_.emplace_back([&io = *thread] { io.Run(); });
  }
  return {};
}

void Server::Drain() {
  shared_.draining.store(true, std::memory_order_relaxed);
  for (const auto& thread : threads_) {
    thread->Post([&io = *thread] { io.Drain(); });
  }
}

void Server::Stop() {
  for (const auto& thread : threads_) thread->Stop();
  for (std::thread& thread : running_) thread.join();
  running_.clear();
}

bool Server::draining() const {
  return shared_.draining.load(std::memory_order_relaxed);
}

void Server::SetTls(const std::shared_ptr<TlsContext>& tls) {
  for (const auto& thread : threads_) {
    thread->Post([&io = *thread, tls] { io.SetTls(tls); });
  }
}

void Server::SetLimits(const ServerLimits& limits) {
  for (const auto& thread : threads_) {
    thread->Post([&io = *thread, limits] { io.SetLimits(limits); });
  }
}

std::size_t Server::connections() const {
  return shared_.connections.load(std::memory_order_relaxed);
}

std::uint64_t Server::accepted() const {
  return shared_.accepted.load(std::memory_order_relaxed);
}

void Server::Post(std::size_t thread, std::function<void()> call) {
  threads_[thread]->Post(std::move(call));
}

void Server::Settle() {
  const auto reached = std::make_shared<std::latch>(static_cast<std::ptrdiff_t>(running_.size()));
  for (std::size_t i = 0; i < running_.size(); ++i) {
    Post(i, [reached] { reached->count_down(); });
  }
  reached->wait();
}

void Server::PostWork(std::size_t thread, Work work) {
  IoThread* const io = threads_[thread].get();
  io->Post([io, work = std::move(work)] { work(io->context().get_executor(), io->Hold()); });
}

}  // namespace assay::gateway
