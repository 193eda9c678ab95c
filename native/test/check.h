// The smallest test frame: facts register themselves, main runs them and prints one line each, which
// test/native/core.test.ts turns into test results.
#pragma once
#include <cmath>
#include <functional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace brightcell::test {

struct Fact {
  std::string title;
  std::function<void()> body;
};

inline std::vector<Fact>& facts() {
  static std::vector<Fact> all;
  return all;
}

struct Register {
  Register(const char* title, std::function<void()> body) { facts().push_back({title, std::move(body)}); }
};

inline void fail(const std::string& message) { throw std::runtime_error(message); }

// The message comes in parts, which are put together only where it is needed: many a check stands in a loop over numbers.
template <typename... Parts>
void check(bool holds, const Parts&... parts) {
  if (holds) return;
  std::ostringstream message;
  (message << ... << parts);
  fail(message.str());
}

// |received - expected| at most `relative` of the largest expected value plus `absolute`.
template <typename A, typename B>
void checkClose(const std::vector<A>& received, const std::vector<B>& expected, double relative, double absolute,
                const std::string& what) {
  check(received.size() == expected.size(), what + ": sizes differ");
  double scale = 0;
  for (const B value : expected) scale = std::max(scale, std::abs(static_cast<double>(value)));
  for (size_t i = 0; i < expected.size(); ++i) {
    const double error = std::abs(static_cast<double>(received[i]) - static_cast<double>(expected[i]));
    if (error <= relative * scale + absolute) continue;
    std::ostringstream message;
    message << what << "[" << i << "]: expected " << expected[i] << ", received " << received[i] << " (largest "
            << scale << ")";
    fail(message.str());
  }
}

#define BRIGHTCELL_JOIN2(a, b) a##b
#define BRIGHTCELL_JOIN(a, b) BRIGHTCELL_JOIN2(a, b)
#define FACT(title) \
  static void BRIGHTCELL_JOIN(fact, __LINE__)(); \
  static const ::brightcell::test::Register BRIGHTCELL_JOIN(registered, __LINE__)(title, BRIGHTCELL_JOIN(fact, __LINE__)); \
  static void BRIGHTCELL_JOIN(fact, __LINE__)()

}  // namespace brightcell::test
