#include "fake_upstream.h"

#include <algorithm>
#include <chrono>
#include <deque>
#include <thread>
#include <utility>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace assay::testing {
namespace {

constexpr auto kPatience = std::chrono::seconds(20);
constexpr int kBacklog = 1024;

char Lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

// Reads until `text` holds the end of a head; false at the end of the connection.
bool ReadHead(int socket, std::string& text) {
  char buffer[4096];
  while (text.find("\r\n\r\n") == std::string::npos) {
    const ssize_t count = ::recv(socket, buffer, sizeof(buffer), 0);
    if (count <= 0) return false;
    text.append(buffer, static_cast<std::size_t>(count));
  }
  return true;
}

bool ReadBytes(int socket, std::string& text, std::size_t size) {
  char buffer[4096];
  while (text.size() < size) {
    const ssize_t count = ::recv(socket, buffer, sizeof(buffer), 0);
    if (count <= 0) return false;
    text.append(buffer, static_cast<std::size_t>(count));
  }
  return true;
}

}  // namespace

bool Gate::Arrive() {
  std::unique_lock lock(mutex_);
  arrived_ = true;
  changed_.notify_all();
  return changed_.wait_for(lock, kPatience, [&] { return open_; });
}

bool Gate::WaitArrived() {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, kPatience, [&] { return arrived_; });
}

void Gate::Open() {
  const std::scoped_lock lock(mutex_);
  open_ = true;
  changed_.notify_all();
}

std::string FakeUpstream::Call::Header(std::string_view lower) const {
  std::size_t begin = 0;
  while (begin < head.size()) {
    const std::size_t end = std::min(head.find("\r\n", begin), head.size());
    const std::string_view line = std::string_view(head).substr(begin, end - begin);
    const std::size_t colon = line.find(':');
    if (colon == lower.size() && std::equal(lower.begin(), lower.end(), line.begin(),
                                            [](char a, char b) { return a == Lower(b); })) {
      std::string_view value = line.substr(colon + 1);
      while (value.starts_with(' ')) value.remove_prefix(1);
      return std::string(value);
    }
    begin = end + 2;
  }
  return {};
}

void FakeUpstream::Call::Write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) {
      keep_alive_ = false;
      return;
    }
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

void FakeUpstream::Call::Send(int status, std::string_view answer, std::string_view headers,
                              std::string_view content_type) {
  Write(fmt::format("HTTP/1.1 {} Fake\r\nContent-Type: {}\r\nContent-Length: {}\r\n{}\r\n{}",
                    status, content_type, answer.size(), headers, answer));
}

void FakeUpstream::Call::BeginStream() {
  Write("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
}

void FakeUpstream::Call::Chunk(std::string_view bytes) {
  Write(fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes));
}

void FakeUpstream::Call::Event(std::string_view data) {
  Chunk(fmt::format("data: {}\n\n", data));
}

void FakeUpstream::Call::EndStream() {
  Write("0\r\n\r\n");
}

void FakeUpstream::Call::Reset() {
  const linger now = {1, 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
  keep_alive_ = false;
}

void FakeUpstream::Call::Close() {
  keep_alive_ = false;
}

void FakeUpstream::Call::WaitClosed() {
  char buffer[4096];
  while (::recv(socket_, buffer, sizeof(buffer), 0) > 0) {
  }
  keep_alive_ = false;
}

struct FakeUpstream::Server {
  explicit Server(Step step) : default_step(std::move(step)) {
    listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    socklen_t size = sizeof(address);
    if (::bind(listener, generic, size) == 0 && ::listen(listener, kBacklog) == 0 &&
        ::getsockname(listener, generic, &size) == 0) {
      port = ntohs(address.sin_port);
    }
    acceptor = std::thread([this] { Accept(); });
  }

  ~Server() {
    {
      const std::scoped_lock lock(mutex);
      stopping = true;
      for (const int socket : sockets) ::shutdown(socket, SHUT_RDWR);
    }
    ::shutdown(listener, SHUT_RDWR);
    acceptor.join();
    for (std::thread& thread : threads) thread.join();
    ::close(listener);
  }

  void Accept() {
    while (true) {
      const int socket = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
      const std::scoped_lock lock(mutex);
      if (socket < 0 || stopping) {
        if (socket >= 0) ::close(socket);
        return;
      }
      const int on = 1;
      ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
      sockets.push_back(socket);
      threads.emplace_back([this, socket, number = accepted++] { Serve(socket, number); });
    }
  }

  void Serve(int socket, std::size_t number) {
    std::string text;
    while (true) {
      Call call;
      call.socket_ = socket;
      call.connection = number;
      if (!ReadHead(socket, text)) break;
      const std::size_t line = text.find("\r\n");
      const std::size_t end = text.find("\r\n\r\n");
      const std::size_t space = text.find(' ');
      call.method = text.substr(0, space);
      call.path = text.substr(space + 1, text.find(' ', space + 1) - space - 1);
      call.head = end == line ? "" : text.substr(line + 2, end - line - 2);
      const std::string length = call.Header("content-length");
      const std::size_t size = length.empty() ? 0 : std::stoul(length);
      if (!ReadBytes(socket, text, end + 4 + size)) break;
      call.body = text.substr(end + 4, size);
      text.erase(0, end + 4 + size);
      Take(call)(call);
      if (!call.keep_alive_) break;
    }
    const std::scoped_lock lock(mutex);
    std::erase(sockets, socket);
    ::close(socket);
  }

  Step Take(const Call& call) {
    const std::scoped_lock lock(mutex);
    requests.push_back(call);
    changed.notify_all();
    if (steps.empty()) return default_step;
    Step step = std::move(steps.front());
    steps.pop_front();
    return step;
  }

  Step default_step;
  int listener = -1;
  std::uint16_t port = 0;
  mutable std::mutex mutex;
  mutable std::condition_variable changed;
  bool stopping = false;
  std::deque<Step> steps;
  std::vector<Call> requests;
  std::vector<int> sockets;
  std::size_t accepted = 0;
  std::vector<std::thread> threads;
  std::thread acceptor;
};

FakeUpstream::FakeUpstream() : FakeUpstream(steps::Answer()) {}
FakeUpstream::FakeUpstream(Step default_step)
    : server_(std::make_unique<Server>(std::move(default_step))) {}
FakeUpstream::~FakeUpstream() = default;

void FakeUpstream::Script(std::vector<Step> steps) {
  const std::scoped_lock lock(server_->mutex);
  for (Step& step : steps) server_->steps.push_back(std::move(step));
}

std::uint16_t FakeUpstream::port() const {
  return server_->port;
}
std::string FakeUpstream::url() const {
  return fmt::format("http://127.0.0.1:{}/v1", server_->port);
}

std::size_t FakeUpstream::calls() const {
  const std::scoped_lock lock(server_->mutex);
  return server_->requests.size();
}

std::size_t FakeUpstream::connections() const {
  const std::scoped_lock lock(server_->mutex);
  return server_->accepted;
}

std::vector<FakeUpstream::Call> FakeUpstream::requests() const {
  const std::scoped_lock lock(server_->mutex);
  return server_->requests;
}

bool FakeUpstream::WaitForCalls(std::size_t count) const {
  std::unique_lock lock(server_->mutex);
  return server_->changed.wait_for(lock, kPatience,
                                   [&] { return server_->requests.size() >= count; });
}

namespace steps {

std::string AnswerJson(std::string_view content) {
  return fmt::format(
      R"({{"id":"chatcmpl-1","object":"chat.completion","created":1700000000,"model":"fake","choices":[{{"index":0,)"
      R"("message":{{"role":"assistant","content":"{}"}},"finish_reason":"stop"}}],)"
      R"("usage":{{"prompt_tokens":20,"completion_tokens":8,"total_tokens":28}}}})",
      content);
}

std::string ChunkJson(std::string_view delta, std::string_view finish_reason) {
  return fmt::format(
      R"({{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,"model":"fake",)"
      R"("choices":[{{"index":0,"delta":{},"finish_reason":{}}}]}})",
      delta, finish_reason);
}

FakeUpstream::Step Answer(std::string content) {
  return [content = std::move(content)](FakeUpstream::Call& call) {
    call.Send(200, AnswerJson(content));
  };
}

FakeUpstream::Step Raw(std::string body, int status, std::string headers) {
  return [body = std::move(body), status, headers = std::move(headers)](FakeUpstream::Call& call) {
    call.Send(status, body, headers);
  };
}

FakeUpstream::Step Error(int status, std::string headers) {
  return Raw(
      R"({"error":{"message":"the model fell over","type":"server_error","param":null,"code":null}})",
      status, std::move(headers));
}

FakeUpstream::Step Stream(std::vector<std::string> pieces) {
  return [pieces = std::move(pieces)](FakeUpstream::Call& call) {
    call.BeginStream();
    call.Event(ChunkJson(R"({"role":"assistant","content":""})"));
    for (const std::string& piece : pieces)
      call.Event(ChunkJson(fmt::format(R"({{"content":"{}"}})", piece)));
    call.Event(ChunkJson("{}", R"("stop")"));
    call.Event(fmt::format(
        R"({{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,)"
        R"("model":"fake","choices":[],"usage":{{"prompt_tokens":20,"completion_tokens":{},)"
        R"("total_tokens":{}}}}})",
        pieces.size(), 20 + pieces.size()));
    call.Event("[DONE]");
    call.EndStream();
  };
}

FakeUpstream::Step After(std::shared_ptr<Gate> gate, FakeUpstream::Step step) {
  return [gate = std::move(gate), step = std::move(step)](FakeUpstream::Call& call) {
    gate->Arrive();
    step(call);
  };
}

FakeUpstream::Step Never() {
  return [](FakeUpstream::Call& call) { call.WaitClosed(); };
}

FakeUpstream::Step BrokenStream(Break how) {
  return [how](FakeUpstream::Call& call) {
    call.BeginStream();
    call.Event(ChunkJson(R"({"role":"assistant","content":"The"})"));
    call.Event(ChunkJson(R"({"content":" capital"})"));
    switch (how) {
      case Break::kCut:
        return call.Close();
      case Break::kReset:
        return call.Reset();
      case Break::kInvalidJson:
        call.Event(R"({"id":"chatcmpl-1","choi)");
        call.Event("[DONE]");
        return call.EndStream();
      case Break::kNoDone:
        return call.EndStream();
      case Break::kStall:
        return call.WaitClosed();
    }
  };
}

}  // namespace steps
}  // namespace assay::testing
