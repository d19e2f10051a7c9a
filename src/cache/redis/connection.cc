#include "redis/connection.h"

#include <array>
#include <iterator>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "redis/socket.h"

namespace assay::cache::redis {
namespace {

constexpr std::size_t kReadBytes = 64 * 1024;

constexpr int kMostElements = 1 << 20;

using CreateArray = decltype(redisReplyObjectFunctions::createArray);
CreateArray g_create_array = nullptr;  // hiredis's own; written once, before the first reader

// A template, since the type of the count differs between versions of hiredis.
template <typename Count>
void* CreateBoundedArray(const redisReadTask* task, Count elements) {
  return elements > kMostElements ? nullptr : g_create_array(task, elements);
}

redisReplyObjectFunctions BoundedFunctions(const redisReplyObjectFunctions& own) {
  g_create_array = own.createArray;
  redisReplyObjectFunctions bounded = own;
  bounded.createArray = &CreateBoundedArray;
  return bounded;
}

std::unexpected<Error> NoRedis() {
  return Fail(Code::kUnavailable, "it does not speak the Redis protocol");
}

}  // namespace

Reader MakeReader() {
  Reader reader(redisReaderCreate());
  if (reader == nullptr) return reader;
  static redisReplyObjectFunctions bounded = BoundedFunctions(*reader->fn);
  reader->fn = &bounded;
  return reader;
}

void AppendCommand(std::string& out, std::span<const std::string_view> parts) {
  fmt::format_to(std::back_inserter(out), "*{}\r\n", parts.size());
  for (const std::string_view part : parts) {
    fmt::format_to(std::back_inserter(out), "${}\r\n", part.size());
    out.append(part);
    out.append("\r\n");
  }
}

struct Connection::Impl {
  explicit Impl(Socket connected) : socket(std::move(connected)), reader(MakeReader()) {}

  Socket socket;
  Reader reader;
  std::array<char, kReadBytes> buffer;
};

Connection::Connection(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Connection::Connection(Connection&&) noexcept = default;
Connection& Connection::operator=(Connection&&) noexcept = default;
Connection::~Connection() = default;

Result<Connection> Connection::Open(const RedisAddress& address, const std::string& tls_ca_file,
                                    SteadyTime deadline) {
  ASSAY_ASSIGN(Socket socket, Socket::Connect(address, tls_ca_file, deadline));
  Connection connection(std::make_unique<Impl>(std::move(socket)));
  if (connection.impl_->reader == nullptr) return Fail(Code::kResourceExhausted, "no memory");
  if (!address.password.empty()) {
    const Result<Reply> login =
        address.user.empty() ? connection.Ask({"AUTH", address.password}, deadline)
                             : connection.Ask({"AUTH", address.user, address.password}, deadline);
    if (!login && login.error().code == Code::kUnavailable) {
      return Fail(Code::kUnauthenticated, "the login was refused: " + login.error().message);
    }
    if (!login) return std::unexpected(login.error());
  }
  if (address.database != 0) {
    ASSAY_TRY(connection.Ask({"SELECT", std::to_string(address.database)}, deadline));
  }
  ASSAY_ASSIGN(const Reply pong, connection.Ask({"PING"}, deadline));
  if (pong->type != REDIS_REPLY_STATUS || TextOf(*pong) != "PONG") return NoRedis();
  return connection;
}

Result<void> Connection::Send(std::string_view commands, SteadyTime deadline) {
  return impl_->socket.Write(commands, deadline);
}

Result<Reply> Connection::Receive(SteadyTime deadline) {
  while (true) {
    void* reply = nullptr;
    if (redisReaderGetReply(impl_->reader.get(), &reply) != REDIS_OK) return NoRedis();
    if (reply != nullptr) return Reply(static_cast<redisReply*>(reply));
    ASSAY_ASSIGN(const std::size_t got, impl_->socket.Read(impl_->buffer, deadline));
    if (redisReaderFeed(impl_->reader.get(), impl_->buffer.data(), got) != REDIS_OK) {
      return NoRedis();
    }
  }
}

bool Connection::SaidTooMuch() const {
  return impl_->reader->pos < impl_->reader->len;
}

Result<Reply> Connection::Ask(std::initializer_list<std::string_view> parts, SteadyTime deadline) {
  std::string command;
  AppendCommand(command, parts);
  ASSAY_TRY(Send(command, deadline));
  ASSAY_ASSIGN(Reply reply, Receive(deadline));
  if (reply->type == REDIS_REPLY_ERROR) {
    return Fail(Code::kUnavailable, std::string(TextOf(*reply)));
  }
  return reply;
}

}  // namespace assay::cache::redis
