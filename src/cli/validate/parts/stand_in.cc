#include "validate/parts/stand_in.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace assay::cli::validate {

Result<std::unique_ptr<StandIn>> StandIn::Start(std::string_view answer) {
  std::unique_ptr<StandIn> out(new StandIn);
  out->listener_ = Socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  const int fd = out->listener_.fd();
  if (fd < 0 || ::bind(fd, reinterpret_cast<sockaddr*>(&address), length) != 0 ||
      ::listen(fd, SOMAXCONN) != 0 ||
      ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    return Fail(Code::kUnavailable,
                fmt::format("cannot listen on 127.0.0.1: {}", std::strerror(errno)));
  }
  out->port_ = ntohs(address.sin_port);
  const boost::json::object body = {
      {"id", "chatcmpl-stand-in"},
      {"object", "chat.completion"},
      {"created", 1700000000},
      {"model", "stand-in"},
      {"choices",
       {{{"index", 0},
         {"message", {{"role", "assistant"}, {"content", answer}}},
         {"finish_reason", "stop"}}}},
      {"usage", {{"prompt_tokens", 12}, {"completion_tokens", 8}, {"total_tokens", 20}}}};
  const std::string text = boost::json::serialize(body);
  out->reply_ = fmt::format(
      "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{}",
      text.size(), text);
  out->accepting_ = std::thread([self = out.get()] { self->Accept(); });
  return out;
}

StandIn::~StandIn() {
  std::vector<std::thread> serving;
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
    ::shutdown(listener_.fd(), SHUT_RDWR);  // wakes accept
    for (const int fd : connections_) ::shutdown(fd, SHUT_RDWR);
  }
  if (accepting_.joinable()) accepting_.join();
  {
    const std::scoped_lock lock(mutex_);
    serving.swap(serving_);
  }
  for (std::thread& one : serving) one.join();
}

std::string StandIn::url() const {
  return fmt::format("http://127.0.0.1:{}/v1", port_);
}

void StandIn::Accept() {
  while (true) {
    const int fd = ::accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC);
    const std::scoped_lock lock(mutex_);
    if (stopping_) {
      Socket unwanted(fd);
      return;
    }
    if (fd < 0) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      return;
    }
    connections_.push_back(fd);
    serving_.emplace_back([this, fd] { Serve(fd); });
  }
}

void StandIn::Serve(int fd) {
  const Socket socket(fd);
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  WireReader reader(fd);
  while (reader.Next()) {
    calls_.fetch_add(1, std::memory_order_relaxed);
    if (!SendAll(fd, reply_)) break;
  }
  const std::scoped_lock lock(mutex_);
  std::erase(connections_, fd);  // before it is closed, so that its number is not another's
}

}  // namespace assay::cli::validate
