// What tests of pages look for.
#ifndef PREFIQS_BASE_HTML_FOR_TEST_H_
#define PREFIQS_BASE_HTML_FOR_TEST_H_

#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <vector>

namespace prefiqs {

inline std::size_t Count(const std::string& text, const std::string& what) {
  std::size_t count = 0;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++count;
  return count;
}

// Tags that are opened are closed, in their order.
inline void ExpectWellFormed(const std::string& html) {
  std::vector<std::string> open;
  for (std::size_t at = html.find('<'); at != std::string::npos; at = html.find('<', at + 1)) {
    const std::size_t end = html.find('>', at);
    ASSERT_NE(end, std::string::npos);
    std::string tag = html.substr(at + 1, end - at - 1);
    const bool closing = tag.starts_with('/'), alone = tag.ends_with('/') || tag.starts_with('!');
    tag = tag.substr(closing ? 1 : 0, tag.find_first_of(" /", 1) - (closing ? 1 : 0));
    if (alone || tag == "img" || tag == "meta" || tag == "br") continue;
    if (!closing) {
      open.push_back(tag);
      continue;
    }
    ASSERT_FALSE(open.empty()) << tag;
    ASSERT_EQ(open.back(), tag);
    open.pop_back();
  }
  EXPECT_TRUE(open.empty());
}

}  // namespace prefiqs

#endif  // PREFIQS_BASE_HTML_FOR_TEST_H_
