// A server of scripted answers on a free port of this machine.
#pragma once
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "assay/scan/scanner.h"

namespace assay::scan::testing {

// Answers what `reply` gives for the bytes that a client sent first; closes then.
class Responder {
 public:
  using Reply = std::function<std::string(std::string_view request)>;

  explicit Responder(Reply reply)
      : reply_(std::move(reply)), descriptor_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(descriptor_, generic, size), 0);
    EXPECT_EQ(::listen(descriptor_, 64), 0);
    EXPECT_EQ(::getsockname(descriptor_, generic, &size), 0);
    port_.address = *Address::Parse("127.0.0.1");
    port_.port = ntohs(address.sin_port);
    thread_ = std::thread([this] { Serve(); });
  }
  Responder(const Responder&) = delete;
  Responder& operator=(const Responder&) = delete;
  ~Responder() {
    ::shutdown(descriptor_, SHUT_RDWR);
    thread_.join();
    ::close(descriptor_);
  }
  [[nodiscard]] const OpenPort& port() const { return port_; }

 private:
  void Serve() {
    while (true) {
      const int client = ::accept(descriptor_, nullptr, nullptr);
      if (client < 0) return;
      std::string request(65'536, '\0');
      const ssize_t got = ::recv(client, request.data(), request.size(), 0);
      request.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
      const std::string answer = reply_(request);
      (void)!::send(client, answer.data(), answer.size(), MSG_NOSIGNAL);
      ::close(client);
    }
  }

  Reply reply_;
  int descriptor_;
  OpenPort port_;
  std::thread thread_;
};

// An HTTP server with these bodies by path; anything else is 404.
inline Responder::Reply Http(std::map<std::string, std::string> bodies, std::string field = {}) {
  return [bodies = std::move(bodies), field = std::move(field)](std::string_view request) {
    const std::size_t begin = request.find(' ') + 1;
    if (begin == 0 || !request.contains("HTTP/1.1")) return std::string();
    const std::string path(request.substr(begin, request.find(' ', begin) - begin));
    const auto found = bodies.find(path);
    const std::string body = found == bodies.end() ? "not found" : found->second;
    return fmt::format("HTTP/1.1 {}\r\ncontent-length: {}\r\n{}connection: close\r\n\r\n{}",
                       found == bodies.end() ? "404 Not Found" : "200 OK", body.size(), field,
                       body);
  };
}

}  // namespace assay::scan::testing
