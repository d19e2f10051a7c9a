// Reads arbitrary bytes as AWS's shared files, and signs what was found there.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "provider/aws/profile_file.h"
#include "provider/aws/sigv4.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace assay::embed::internal;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)ReadProfileFile(text, "credentials");
  const SignedRequest request = {.method = "POST",
                                 .path = std::string(text),
                                 .query = std::string(text),
                                 .headers = {{"host", std::string(text)}},
                                 .body = text};
  (void)SignV4(request, {.region = "r", .service = "s", .time = "20150830T123600Z"}, "id", "key");
  return 0;
}
