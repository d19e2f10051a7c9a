#include <cstring>
const char* Sample() {
  return std::strerror(2);
}
