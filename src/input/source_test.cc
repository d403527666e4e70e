#include "input/source.h"

#include <gtest/gtest.h>
#include <prefiqs/error.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "base/folder_for_test.h"
#include "input/pickle_for_test.h"

namespace prefiqs::input {
namespace {

using namespace std::string_literals;

// One grey pixel.
std::string Picture(int value) { return "P5 1 1 255\n" + std::string(1, static_cast<char>(value)); }

std::vector<std::string> Names(const std::vector<std::string>& inputs) {
  std::vector<std::string> names;
  for (const Item& item : ListItems(inputs)) names.push_back(item.name);
  return names;
}

void ExpectRefused(const std::vector<std::string>& inputs, const std::string& part, ErrorCode code = ErrorCode::kIo) {
  try {
    ListItems(inputs);
    ADD_FAILURE() << "no error for " << ::testing::PrintToString(inputs);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code);
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
  }
}

std::string WriteSet(const FolderForTest& folder, const std::string& name, Dialect dialect = Dialect::kProtocol4) {
  PickleWriter writer(dialect);
  return Fill(folder / name, writer.Set({writer.Bytes(Picture(1)), writer.Array("u1", Picture(200))},
                                        writer.List({writer.Bool(true)})));
}

TEST(ListItems, TakesFilesInTheOrderGivenWhateverTheirExtension) {
  const FolderForTest folder;
  const std::string b = Fill(folder / "b.txt", ""), a = Fill(folder / "a", "");
  EXPECT_EQ(Names({b, a, b}), (std::vector<std::string>{b, a, b}));
  EXPECT_EQ(Names({}), std::vector<std::string>{});
}

TEST(ListItems, FindsPicturesInFoldersSortedByBytes) {
  const FolderForTest folder;
  // In the order of bytes: "-" < "." < "/" < digits < capitals < small letters < what is no ASCII.
  std::vector<std::string> expected;
  for (const char* name : {"B.jpg", "a-b/z.jpg", "a.png", "a/c/d.JpEg", "a/x.webp", "a0.jp2", "b.j2k", "c.j2c", "d.jpf",
                           "e.jfif", "e.pgm", "f.ppm", "g.pbm", "h.pnm", "i.pam", "j.jpe", "\xC3\xA4.jpg", "\xFF.jpg"})
    expected.push_back(Fill(folder / name, ""));
  for (const char* name : {"note.txt", "jpg", "a/.hidden.jpg", ".git/x.jpg", "x.jpg.part", "set.bin", "x.gif"})
    Fill(folder / name, "");
  std::filesystem::create_directories(folder / "empty.jpg");
  EXPECT_EQ(Names({folder.path()}), expected);
  std::vector<std::string> with_slash = expected;
  for (std::string& name : with_slash) name = folder.path() + '/' + name.substr(folder.path().size());
  EXPECT_EQ(Names({folder.path() + "//"}), with_slash);
}

using Told = std::vector<std::pair<std::string, std::string>>;

Told Skipped(const std::vector<std::string>& inputs) {
  Told told;
  ListItems(inputs, [&](std::string_view path, std::string_view kind) { told.emplace_back(path, kind); });
  return told;
}

TEST(ListItems, TellsWhatItSkipsInFoldersSortedByBytes) {
  const FolderForTest folder;
  Told expected;
  const auto skipped = [&](const char* name, std::string_view kind) {
    expected.emplace_back(Fill(folder / name, ""), kind);
  };
  Fill(folder / "a.jpg", "");
  expected.emplace_back(folder / ".git", kHidden);
  Fill(folder / ".git/x.jpg", "");
  skipped(".y.jpg", kHidden);
  skipped("IMG.HEIC", ".heic");
  skipped("a/.z", kHidden);
  skipped("a/b.tif", ".tif");
  skipped("a/jpg", kNoSuffix);
  skipped("b.", kNoSuffix);
  skipped("c.\xFF", ".\xFF");
  std::filesystem::create_symlink("nowhere", folder / "d.gif");
  expected.emplace_back(folder / "d.gif", ".gif");
  ASSERT_EQ(::mkfifo((folder / "pipe.jpg").c_str(), 0600), 0);
  expected.emplace_back(folder / "pipe.jpg", kNoRegularFile);
  EXPECT_EQ(Skipped({folder.path()}), expected);
  EXPECT_EQ(Skipped({folder / "IMG.HEIC"}), Told{});  // what is named is taken
}

TEST(ListItems, RefusesFoldersWithoutPictures) {
  const FolderForTest folder;
  Fill(folder / "below/note.txt", "");
  ExpectRefused({folder.path()}, folder.path() + ": no picture");
}

TEST(ListItems, FollowsLinksAndEntersEachFolderOnce) {
  const FolderForTest folder, elsewhere;
  const std::string a = Fill(folder / "a/x.jpg", "");
  Fill(elsewhere / "y.jpg", "");
  std::filesystem::create_directory_symlink(folder.path(), folder / "a/up");
  std::filesystem::create_directory_symlink(elsewhere.path(), folder / "b");
  std::filesystem::create_directory_symlink(elsewhere.path(), folder / "c");
  std::filesystem::create_symlink("nowhere", folder / "d.jpg");
  std::filesystem::create_symlink("e.jpg", folder / "e.jpg");
  std::filesystem::create_symlink("nowhere", folder / "f");
  std::filesystem::create_symlink(a, folder / "g.jpg");
  EXPECT_EQ(Names({folder.path()}),
            (std::vector<std::string>{a, folder / "b/y.jpg", folder / "d.jpg", folder / "e.jpg", folder / "g.jpg"}));
}

TEST(ListItems, PassesOverWhatIsNoRegularFile) {
  const FolderForTest folder;
  ASSERT_EQ(::mkfifo((folder / "pipe.jpg").c_str(), 0600), 0);
  const std::string picture = Fill(folder / "x.jpg", "");
  EXPECT_EQ(Names({folder.path()}), std::vector<std::string>{picture});
}

TEST(ListItems, NamesWhatDoesNotExist) {
  const FolderForTest folder;
  ExpectRefused({folder / "miss\ning.jpg"}, "miss\\x0aing.jpg: cannot open: No such file");
  ExpectRefused({folder / "missing/"}, "missing/");
  ExpectRefused({"@" + (folder / "missing.txt")}, "missing.txt: cannot open");
  ExpectRefused({"@" + folder.path()}, "directory");
  ExpectRefused({"@"}, "cannot open");
  ExpectRefused({""}, "cannot open");
  ExpectRefused({folder / "missing.bin"}, "missing.bin");
}

TEST(ListItems, ReadsLists) {
  const FolderForTest folder;
  const std::string list = "@" + Fill(folder / "list.txt", "b.jpg\n\n\r\n a b\t\r\n\xFF\xFE\r\r\n#c\n-\n@d\nlast");
  EXPECT_EQ(Names({list}), (std::vector<std::string>{"b.jpg", " a b\t", "\xFF\xFE\r", "#c", "-", "@d", "last"}));
}

TEST(ListItems, PassesOverAByteOrderMark) {
  FolderForTest folder;
  EXPECT_EQ(Names({"@" + Fill(folder / "list.txt",
                              "\xEF\xBB\xBF"
                              "b.jpg\r\n\xEF\xBB\xBF.jpg\n")}),
            (std::vector<std::string>{"b.jpg", "\xEF\xBB\xBF.jpg"}));
}

TEST(ListItems, KeepsMissingFilesOfListsAsRows) {
  const FolderForTest folder;
  const std::string missing = folder / "missing.jpg", set = folder / "missing.bin";
  const std::vector<Item> items = ListItems({"@" + Fill(folder / "list", missing + "\n" + set + "\n" + folder.path())});
  ASSERT_EQ(items.size(), 3u);
  for (const Item& item : items) EXPECT_EQ(Read(item, {}).status, Status::kUnreadable) << item.name;
}

TEST(ListItems, RefusesListsThatNameNothingOrZeroBytes) {
  const FolderForTest folder;
  ExpectRefused({"@" + Fill(folder / "empty", "")}, "empty: the list names no picture");
  ExpectRefused({"@" + Fill(folder / "blank", "\n\r\n\n")}, "blank: the list names no picture");
  ExpectRefused({"@" + Fill(folder / "zero", "a.jpg\nb\0c.jpg\n"s)}, "zero: line 2: a zero byte");
}

// Puts a file in the place of standard input.
class StandardInput {
 public:
  explicit StandardInput(const std::string& path) : before_(::dup(STDIN_FILENO)) {
    if (std::freopen(path.c_str(), "r", stdin) == nullptr) ADD_FAILURE() << path;
  }
  ~StandardInput() {
    ::dup2(before_, STDIN_FILENO);
    ::close(before_);
  }

 private:
  int before_;
};

TEST(ListItems, ReadsAListFromStandardInputOnce) {
  const FolderForTest folder;
  // More than one read of 64 KiB.
  std::string text;
  std::vector<std::string> expected;
  for (int i = 0; i < 20'000; ++i) {
    expected.push_back("picture" + std::to_string(i) + ".jpg");
    text += expected.back() + "\n";
  }
  const std::string path = Fill(folder / "list", text), empty = Fill(folder / "empty", "");
  {
    const StandardInput input(path);
    EXPECT_EQ(Names({"-"}), expected);
  }
  {
    const StandardInput input(empty);
    ExpectRefused({"-"}, "standard input: the list names no picture");
  }
  ExpectRefused({"-", "-"}, "only once", ErrorCode::kUsage);
}

TEST(ListItems, ExpandsVerificationSets) {
  const FolderForTest folder;
  const std::string set = WriteSet(folder, "set.BIN"), picture = Fill(folder / "x.pgm", Picture(9));
  const std::vector<std::string> expected = {set + "#0", set + "#1", picture};
  EXPECT_EQ(Names({set, picture}), expected);
  EXPECT_EQ(Names({"@" + Fill(folder / "list", set + "\n" + picture)}), expected);
}

TEST(ListItems, JudgesNamedFilesByTheirContent) {
  const FolderForTest folder;
  // A picture is one whatever its suffix promises.
  const std::string picture = Fill(folder / "picture.bin", Picture(9));
  const std::string other = Fill(folder / "other.bin", "\0\0\0\x18"s + "ftypheic");  // has no decoder, but is no set
  EXPECT_EQ(Names({picture, other}), (std::vector<std::string>{picture, other}));
  EXPECT_EQ(Names({"@" + Fill(folder / "list", picture)}), std::vector<std::string>{picture});
  EXPECT_EQ(Read(ListItems({picture}).at(0), {}).status, Status::kOk);
  // So is a set, where its pickle tells itself; of the text of the oldest protocol the suffix decides.
  for (const Dialect dialect : kDialects) {
    const std::string set = WriteSet(folder, "set.jpg", dialect);
    const bool tells = dialect != Dialect::kPython2Text;
    const auto expected = tells ? std::vector<std::string>{set + "#0", set + "#1"} : std::vector<std::string>{set};
    EXPECT_EQ(Names({set}), expected) << static_cast<int>(dialect);
    EXPECT_EQ(Names({WriteSet(folder, "set.bin", dialect)}).size(), 2u) << static_cast<int>(dialect);
  }
  // Lists look into files without a picture's suffix.
  const std::string set = WriteSet(folder, "set"), jpg = WriteSet(folder, "set.jpg");
  EXPECT_EQ(Names({"@" + Fill(folder / "list", set + "\n" + jpg)}),
            (std::vector<std::string>{set + "#0", set + "#1", jpg}));
  // Another pickle that does not claim to be a set does not stop the run.
  const std::string pickle = Fill(folder / "x.pkl", "\x80\x04N.");
  EXPECT_EQ(Names({pickle}), std::vector<std::string>{pickle});
  EXPECT_EQ(Read(ListItems({pickle}).at(0), {}).status, Status::kUndecodable);
  ExpectRefused({Fill(folder / "x.bin", "\x80\x04N.")}, "x.bin: not a verification set");
}

TEST(ListItems, NamesBrokenVerificationSets) {
  const FolderForTest folder;
  ExpectRefused({Fill(folder / "bad.bin", "cos\nsystem\n")}, "bad.bin: not a verification set");
  ExpectRefused({Fill(folder / "empty.bin", "")}, "empty.bin: not a verification set");
  ExpectRefused({"@" + Fill(folder / "list", folder / "bad.bin")}, "os.system");
  ASSERT_EQ(::mkfifo((folder / "pipe.bin").c_str(), 0600), 0);
  ExpectRefused({folder / "pipe.bin"}, "not a regular file");
}

TEST(Read, DecodesFilesAndPartsOfSets) {
  const FolderForTest folder;
  for (const Dialect dialect : kDialects) {
    std::vector<int> values;
    for (const Item& item : ListItems({Fill(folder / "\xFF.pgm", Picture(7)), WriteSet(folder, "set.bin", dialect)})) {
      const DecodedImage decoded = Read(item, {});
      ASSERT_EQ(decoded.status, Status::kOk) << decoded.detail;
      values.push_back(decoded.image.rgb[0]);
    }
    EXPECT_EQ(values, (std::vector<int>{7, 1, 200}));
  }
}

TEST(Read, KeepsToTheLimits) {
  const FolderForTest folder;
  for (const Dialect dialect : {Dialect::kPython2Text, Dialect::kProtocol4}) {
    for (const Item& item : ListItems({Fill(folder / "a.pgm", Picture(7)), WriteSet(folder, "set.bin", dialect)})) {
      EXPECT_EQ(Read(item, {.max_file_bytes = 12}).status, Status::kOk);
      EXPECT_EQ(Read(item, {.max_file_bytes = 11}).status, Status::kTooLarge);
      EXPECT_EQ(Read(item, {.max_pixels = 0}).status, Status::kTooLarge);
    }
  }
}

TEST(Read, SaysWhatWentAwaySinceItWasListed) {
  const FolderForTest folder;
  const std::string set = WriteSet(folder, "set.bin");
  const std::vector<Item> items = ListItems({set});
  Fill(folder / "set.bin", "short");
  for (const Item& item : items) {
    const DecodedImage decoded = Read(item, {});
    EXPECT_EQ(decoded.status, Status::kUnreadable);
    EXPECT_NE(decoded.detail.find("shorter"), std::string::npos) << decoded.detail;
  }
  std::filesystem::remove(set);
  for (const Item& item : items) EXPECT_EQ(Read(item, {}).status, Status::kUnreadable);
}

TEST(Read, DoesNotWaitForPipesInLists) {
  const FolderForTest folder;
  const std::string pipe = folder / "pipe.jpg";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const std::vector<Item> items = ListItems({"@" + Fill(folder / "list.txt", pipe + "\n")});
  ASSERT_EQ(items.size(), 1u);
  const DecodedImage decoded = Read(items[0], {});
  EXPECT_EQ(decoded.status, Status::kUnreadable);
  EXPECT_NE(decoded.detail.find("no regular file"), std::string::npos) << decoded.detail;
}

}  // namespace
}  // namespace prefiqs::input
