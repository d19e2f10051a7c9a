// HTTP/1.1 as the load of `assay validate` speaks it: requests made beforehand, blocking sockets on
// the loopback, nothing between the clock and the bytes.
#pragma once
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "assay/core/result.h"

namespace assay::cli::validate {

// A descriptor that is closed with its owner.
class Socket {
 public:
  explicit Socket(int fd = -1) : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Socket();
  [[nodiscard]] int fd() const { return fd_; }

 private:
  int fd_;
};

// A request or an answer as it came.
struct Message {
  std::string start;  // "POST /v1/check HTTP/1.1", "HTTP/1.1 200 OK"
  std::string head;   // the lines after it, names in lower case, each ending in \r\n
  std::string body;

  [[nodiscard]] int status() const;  // of an answer; 0 where there is none
  // The first header of that name (in lower case); empty where there is none.
  [[nodiscard]] std::string_view Header(std::string_view name) const;
};

using Headers = std::initializer_list<std::pair<std::string_view, std::string_view>>;

// The bytes of a request with a JSON body.
[[nodiscard]] std::string RequestBytes(std::string_view method, std::string_view path,
                                       std::string_view body, Headers headers = {});

// Reads messages from a socket, one after the other. Threads: one at a time.
class WireReader {
 public:
  explicit WireReader(int fd) : fd_(fd) {}

  // Errors: kUnavailable when the other side closes before a message is whole (an empty message
  // text says that none had begun) or the time of the socket is over; kDataLoss for what is no
  // HTTP.
  [[nodiscard]] Result<Message> Next();

 private:
  Result<void> More();
  Result<void> ReadBody(Message& message);

  int fd_;
  std::string buffer_;
};

// Errors: kUnavailable.
[[nodiscard]] Result<void> SendAll(int fd, std::string_view bytes);

// A kept connection to a port of 127.0.0.1. Threads: one at a time.
class Connection {
 public:
  // A step that takes longer than timeout_s fails. Errors: kUnavailable.
  [[nodiscard]] static Result<Connection> Open(std::uint16_t port, int timeout_s);

  [[nodiscard]] Result<void> Send(std::string_view request) {
    return SendAll(socket_.fd(), request);
  }
  [[nodiscard]] Result<Message> Receive() { return reader_.Next(); }
  [[nodiscard]] Result<Message> Ask(std::string_view request);
  void EndWriting();  // what was sent is all

 private:
  explicit Connection(Socket socket) : socket_(std::move(socket)), reader_(socket_.fd()) {}

  Socket socket_;
  WireReader reader_;
};

}  // namespace assay::cli::validate
