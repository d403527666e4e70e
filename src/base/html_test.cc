#include "base/html.h"

#include <gtest/gtest.h>

namespace prefiqs {
namespace {

TEST(EscapeHtml, LeavesNoTagAndNoEndOfAnAttribute) {
  EXPECT_EQ(EscapeHtml("<a b=\"c\" d='e'>&\n\xff"), "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp; \xff");
}

// RFC 4648, section 10.
TEST(Base64, KnownValues) {
  const auto of = [](const std::string& text) { return Base64({text.begin(), text.end()}); };
  EXPECT_EQ(of(""), "");
  EXPECT_EQ(of("f"), "Zg==");
  EXPECT_EQ(of("fo"), "Zm8=");
  EXPECT_EQ(of("foo"), "Zm9v");
  EXPECT_EQ(of("foobar"), "Zm9vYmFy");
}

}  // namespace
}  // namespace prefiqs
