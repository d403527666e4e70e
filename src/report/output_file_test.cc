#include "report/output_file.h"

#include <gtest/gtest.h>
#include <prefiqs/error.h>
#include <sys/resource.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <functional>
#include <string>

#include "base/folder_for_test.h"
#include "report/locks_for_test.h"

namespace prefiqs::report {
namespace {

ErrorCode CodeOf(const std::function<void()>& act) {
  try {
    act();
  } catch (const Error& e) {
    return e.code();
  }
  ADD_FAILURE() << "no error";
  return ErrorCode::kInternal;
}

TEST(OutputFile, DoesNotOverwriteUnasked) {
  FolderForTest folder;
  Fill(folder / "a", "old");
  EXPECT_EQ(CodeOf([&] { OutputFile(folder / "a", OpenMode::kNew); }), ErrorCode::kIo);
  EXPECT_EQ(Contents(folder / "a"), "old");
  OutputFile(folder / "a", OpenMode::kOverwrite).Append("new");
  EXPECT_EQ(Contents(folder / "a"), "new");
}

TEST(OutputFile, ContinuesAtTheEndOrStarts) {
  FolderForTest folder;
  OutputFile(folder / "a", OpenMode::kContinue).Append("one");
  OutputFile(folder / "a", OpenMode::kContinue).Append("two");
  EXPECT_EQ(Contents(folder / "a"), "onetwo");
}

TEST(OutputFile, HasOneWriterAtATime) {
  FolderForTest folder;
  OutputFile first(folder / "a", OpenMode::kNew);
  EXPECT_EQ(CodeOf([&] { OutputFile(folder / "a", OpenMode::kContinue); }), ErrorCode::kIo);
}

TEST(OutputFile, SaysWhereThereIsNoLock) {
  FolderForTest folder;
  Fill(folder / "a", "old");
  for (const int error : {ENOLCK, ENOSYS, EOPNOTSUPP, EINVAL}) {
    const LocksFailForTest no_locks(error);
    EXPECT_EQ(OutputFile(folder / "b", OpenMode::kOverwrite).lock_failure(), std::strerror(error));
    try {
      OutputFile(folder / "a", OpenMode::kContinue);
      ADD_FAILURE();
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kIo);
      EXPECT_NE(std::string(e.what()).find(std::strerror(error)), std::string::npos) << e.what();
      EXPECT_NE(std::string(e.what()).find("--without-lock"), std::string::npos) << e.what();
    }
    OutputFile(folder / "a", OpenMode::kContinue, true).Append("+");
  }
  EXPECT_EQ(Contents(folder / "a"), "old++++");
  EXPECT_EQ(OutputFile(folder / "b", OpenMode::kOverwrite).lock_failure(), "");
  EXPECT_EQ(OutputFile("/dev/null", OpenMode::kNew).lock_failure(), "");
}

TEST(OutputFile, TriesAgainWhereASignalInterruptsTheLock) {
  FolderForTest folder;
  const LocksFailForTest interrupted(EINTR, 3);
  EXPECT_EQ(OutputFile(folder / "a", OpenMode::kNew).lock_failure(), "");
}

TEST(OutputFile, NoticesAnotherWriterWithoutALock) {
  FolderForTest folder;
  const LocksFailForTest no_locks(ENOLCK);
  OutputFile first(folder / "a", OpenMode::kNew);
  first.Append("one");
  OutputFile second(folder / "a", OpenMode::kContinue, true);
  second.Append("two");
  EXPECT_EQ(CodeOf([&] { first.Append("three"); }), ErrorCode::kIo);
  second.Append("four");
  OutputFile(folder / "a", OpenMode::kOverwrite).Append("5");
  EXPECT_EQ(CodeOf([&] { second.Append("six"); }), ErrorCode::kIo);
  EXPECT_EQ(Contents(folder / "a"), "5");
}

TEST(OutputFile, TakesDevices) {
  OutputFile null("/dev/null", OpenMode::kNew);
  null.Append("x");
  EXPECT_FALSE(null.regular());
  EXPECT_EQ(CodeOf([] { OutputFile("/dev/full", OpenMode::kNew).Append("x"); }), ErrorCode::kIo);
  EXPECT_EQ(CodeOf([] { OutputFile("/dev/null", OpenMode::kContinue); }), ErrorCode::kIo);
}

// A file size limit stands for a full disk: the write is cut in the middle.
TEST(OutputFile, IsWholeAfterAFullDisk) {
  FolderForTest folder;
  OutputFile file(folder / "a", OpenMode::kNew);
  file.Append("0123456789");
  rlimit old{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &old), 0);
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit small = old;
  small.rlim_cur = 15;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const ErrorCode code = CodeOf([&] { file.Append("0123456789"); });
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &old), 0);
  EXPECT_EQ(code, ErrorCode::kIo);
  EXPECT_EQ(Contents(folder / "a"), "0123456789");
  file.Append("ab");
  EXPECT_EQ(Contents(folder / "a"), "0123456789ab");
}

TEST(OutputFile, NamesWhatItCannotOpen) {
  try {
    OutputFile("/no/such/folder/x.csv", OpenMode::kNew);
    ADD_FAILURE();
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("/no/such/folder/x.csv"), std::string::npos);
  }
}

}  // namespace
}  // namespace prefiqs::report
