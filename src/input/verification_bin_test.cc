#include "input/verification_bin.h"

#include <gtest/gtest.h>
#include <prefiqs/error.h>

#include <span>
#include <string>
#include <vector>

#include "input/pickle.h"
#include "input/pickle_for_test.h"

namespace prefiqs::input {
namespace {

using namespace std::string_literals;

// Of a copy that is just as large, so that the address sanitizer sees a byte too many.
VerificationSet Read(const std::string& pickle) {
  const std::vector<std::uint8_t> bytes(pickle.begin(), pickle.end());
  return ReadVerificationBin(*OpenBytes(bytes), "some\nset.bin");
}

std::string Contents(const std::string& pickle, const EncodedImage& image) {
  if (image.held == nullptr)
    return pickle.substr(static_cast<std::size_t>(image.offset), static_cast<std::size_t>(image.length));
  EXPECT_EQ(image.offset, -1);
  EXPECT_EQ(static_cast<std::size_t>(image.length), image.held->size());
  return {image.held->begin(), image.held->end()};
}

void ExpectRefused(const std::string& pickle, const std::string& cause) {
  SCOPED_TRACE(::testing::PrintToString(pickle.substr(0, 200)));
  try {
    Read(pickle);
    ADD_FAILURE() << "it was read";
  } catch (const Error& error) {
    const std::string message = error.what();
    EXPECT_EQ(error.code(), ErrorCode::kIo);
    EXPECT_TRUE(message.starts_with("some\\x0aset.bin: ")) << message;
    EXPECT_NE(message.find(cause), std::string::npos) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
  }
}

std::string AllBytes() {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  return bytes;
}

// Four pictures: any bytes, quotes and escapes, none, and more than 255 bytes.
std::vector<std::string> Pictures() { return {AllBytes(), "'\\x\"\n\r\t", "", AllBytes() + AllBytes()}; }

struct Form {
  Dialect dialect;
  bool arrays;         // pictures as arrays of uint8
  int booleans;        // 0: list of booleans, 1: array of bool, 2: list of NumPy's scalars, 3: list of integers
  std::string pickle;  // of Pictures() and {true, false}
};

std::vector<Form> AllForms() {
  std::vector<Form> forms;
  for (const Dialect dialect : kDialects) {
    for (const bool arrays : {false, true}) {
      for (int booleans = 0; booleans < 4; ++booleans) {
        PickleWriter writer(dialect);
        std::vector<std::string> pictures;
        for (const std::string& picture : Pictures())
          pictures.push_back(arrays ? writer.Array("u1", picture) : writer.Bytes(picture));
        std::string same;
        if (booleans == 0) same = writer.List({writer.Bool(true), writer.Bool(false)});
        if (booleans == 1) same = writer.Array("b1", "\1\0"s);
        if (booleans == 2) same = writer.List({writer.Scalar("b1", "\1"), writer.Scalar("b1", "\0"s)});
        if (booleans == 3) same = writer.List({writer.Int(1), writer.Int(0)});
        forms.push_back({dialect, arrays, booleans, writer.Set(pictures, same)});
      }
    }
  }
  return forms;
}

TEST(VerificationBin, ReadsWhatPythonAndNumpyWrite) {
  for (const Form& form : AllForms()) {
    SCOPED_TRACE(::testing::Message() << "dialect " << static_cast<int>(form.dialect) << ", arrays " << form.arrays
                                      << ", booleans " << form.booleans);
    const VerificationSet set = Read(form.pickle);
    std::vector<std::string> pictures;
    for (const EncodedImage& image : set.images) pictures.push_back(Contents(form.pickle, image));
    EXPECT_EQ(pictures, Pictures());
    EXPECT_EQ(set.same, (std::vector<bool>{true, false}));
  }
}

TEST(VerificationBin, LeavesBytesWhereTheyAre) {
  PickleWriter writer(Dialect::kProtocol3);
  const std::string pickle =
      writer.Set({writer.Bytes("first"), writer.Array("u1", "second")}, writer.List({writer.Bool(true)}));
  const VerificationSet set = Read(pickle);
  ASSERT_EQ(set.images.size(), 2u);
  EXPECT_EQ(set.images[0].offset, static_cast<std::int64_t>(pickle.find("first")));
  EXPECT_EQ(set.images[1].offset, static_cast<std::int64_t>(pickle.find("second")));
  EXPECT_EQ(set.images[0].held, nullptr);
}

TEST(VerificationBin, ReadsListsBuiltInOtherWays) {
  // Written a batch at a time, popped, doubled, from the memo, and as tuples.
  const std::string pictures = "](C\1aC\1be(C\1cC\1de", same = "](\x88\x89"s + "e";
  EXPECT_EQ(Read(pictures + same + "\x86.").images.size(), 4u);
  EXPECT_EQ(Read("(C\1aC\1bt(\x88t\x86.").images.size(), 2u);
  EXPECT_EQ(Read("K\7(K\1K\2"
                 "1"
                 "0"
                 "(](C\1aC\1be]\x88"
                 "at.")
                .images.size(),
            2u);
  EXPECT_EQ(Read("(C\1xr\1\0\0\0j\1\0\0\0l]I01\naq\2\x86."s).images.size(), 2u);
  EXPECT_EQ(Read("(C\1x2l]I01\na\x86.").images.size(), 2u);
  const std::string held = "](c_codecs\nencode\n(Vab\\u00e9\nVlatin1\ntRc__builtin__\nbytes\n)Re]L1L\na\x86.";
  const VerificationSet set = Read(held);
  ASSERT_EQ(set.images.size(), 2u);
  EXPECT_EQ(Contents(held, set.images[0]), "ab\xE9");
  EXPECT_EQ(Contents(held, set.images[1]), "");
}

TEST(VerificationBin, RefusesSetsThatDoNotAddUp) {
  PickleWriter writer(Dialect::kProtocol4);
  const std::string yes = writer.Bool(true), picture = writer.Bytes("a");
  const std::string list = writer.List({yes});
  ExpectRefused(writer.Set({picture}, list), "1 picture does not make 1 pair");
  ExpectRefused(writer.Set({picture, picture}, writer.List({yes, yes})), "2 pictures do not make 2 pairs");
  ExpectRefused(writer.Set({picture, yes}, list), "entry 1 of the first list");
  ExpectRefused(writer.Set({picture, writer.Text("text")}, list), "entry 1 of the first list");
  ExpectRefused(writer.Set({picture, writer.Array("b1", "\1")}, list), "entry 1 of the first list");
  ExpectRefused(writer.Set({picture, picture}, writer.List({picture})), "entry 0 of the second list");
  ExpectRefused(writer.Set({picture, picture}, writer.List({writer.Int(2)})), "entry 0 of the second list");
  ExpectRefused(writer.Set({picture, picture}, writer.Array("u1", "\1")), "second part");
  ExpectRefused(writer.Set({picture, picture}, "N"), "second part");
  ExpectRefused("N]\x86.", "first part");
  ExpectRefused("]].", "pair");
  ExpectRefused("K\1.", "pair");
  ExpectRefused("]]]\x87.", "pair");
}

TEST(VerificationBin, RefusesCodeOfAllKinds) {
  ExpectRefused("cos\nsystem\n(S'true'\ntR.", "byte 0: it asks for os.system");
  ExpectRefused("\x80\x04\x8C\2os\x8C\6system\x93.", "byte 14: it asks for os.system");
  ExpectRefused("cbuiltins\neval\n.", "builtins.eval");
  ExpectRefused("cnumpy\nload\n.", "numpy.load");
  ExpectRefused("c_codecs\ndecode\n.", "_codecs.decode");
  ExpectRefused("cos\x1b[2J\nx\n.", "os\\x1b[2J.x");
  ExpectRefused("(S'true'\nios\nsystem\n.", "opcode 0x69");  // INST
  ExpectRefused("(cnumpy\nndarray\no.", "opcode 0x6f");      // OBJ
  ExpectRefused("cnumpy\nndarray\n)\x81.", "opcode 0x81");   // NEWOBJ
  ExpectRefused("cnumpy\nndarray\n)}\x92.", "opcode 0x7d");  // EMPTY_DICT
  ExpectRefused("\x82\1.", "opcode 0x82");                   // EXT1
  ExpectRefused("Pid\n.", "opcode 0x50");                    // PERSID
  ExpectRefused("\x80\6.", "protocol 6");
}

TEST(VerificationBin, RefusesCallsThatDoNotFit) {
  ExpectRefused("K\1)R.", "cannot be called");
  ExpectRefused("cnumpy\nndarray\n)R.", "cannot be called");
  ExpectRefused("c_codecs\nencode\n)R.", "tuple is missing");
  ExpectRefused("c_codecs\nencode\nK\1R.", "tuple is missing");
  ExpectRefused("c_codecs\nencode\nVa\nVutf-8\n\x86R.", "unknown encoding utf-8");
  ExpectRefused("c_codecs\nencode\nK\1Vlatin1\n\x86R.", "not text");
  ExpectRefused("c_codecs\nencode\nX\2\0\0\0\xC4\x80Vlatin1\n\x86R."s, "stand for bytes");
  ExpectRefused("c_codecs\nencode\nX\1\0\0\0\xC3Vlatin1\n\x86R."s, "stand for bytes");
  ExpectRefused("V\\u0100\n.", "stand for bytes");
  ExpectRefused("V\\u00e\n.", "stand for bytes");
  ExpectRefused("cbuiltins\nbytes\nK\1\x85R.", "cannot be called");
  ExpectRefused("cnumpy\ndtype\nVf4\n\x85R.", "an array of f4");
  ExpectRefused("K\1K\1b.", "has none");
  PickleWriter writer(Dialect::kProtocol3);
  const std::string array = "cnumpy.core.multiarray\n_reconstruct\n)R", dtype = writer.Dtype("u1");
  const auto state = [&](const std::string& shape, const std::string& type, const std::string& data) {
    return array + "(K\1" + shape + type + "\x89" + data + "tb.";
  };
  EXPECT_THROW(Read(state("K\2\x85", dtype, "C\2ab")), Error);  // whole, but no pair
  ExpectRefused(state("K\2\x85", dtype, "C\2ab"), "pair");
  ExpectRefused(state("K\3\x85", dtype, "C\2ab"), "do not fit");
  ExpectRefused(state("K\2\x85", "N", "C\2ab"), "without a type");
  ExpectRefused(state("K\2\x85", dtype, "Vab\n"), "not bytes");
  ExpectRefused(state("J\xFF\xFF\xFF\xFF\x85", dtype, "C\2ab"), "malformed shape");
  const std::string huge = "\x8A\x08" + LittleEndian(std::uint64_t{1} << 62, 8);
  ExpectRefused(state(huge + huge + "\x86", dtype, "C\2ab"), "overflows");
  ExpectRefused(state("(" + "K\1K\1K\1K\1K\1K\1K\1K\1K\1"s + "t", dtype, "C\1a"), "malformed shape");
  // Never given its bytes.
  ExpectRefused("](" + array + array + "e](\x88" + "e\x86.", "entry 0 of the first list");
}

TEST(VerificationBin, RefusesMalformedArguments) {
  for (const auto& [pickle, cause] : {std::pair(""s, "truncated"),
                                      std::pair("."s, "stack is empty"),
                                      std::pair("t."s, "no mark"),
                                      std::pair("(."s, "stack is empty"),
                                      std::pair("a."s, "stack is empty"),
                                      std::pair("K\1K\2a."s, "not a list"),
                                      std::pair("(K\1\x85."s + "", "pair"),
                                      std::pair("K\1\x86."s, "stack is empty"),
                                      std::pair("g7\n."s, "under 7"),
                                      std::pair("h\7."s, "under 7"),
                                      std::pair("K\1p-1\n."s, "negative"),
                                      std::pair("q\1."s, "stack is empty"),
                                      std::pair("Ione\n."s, "number"),
                                      std::pair("I1234567890123456789\n."s, "number"),
                                      std::pair("I-\n."s, "number"),
                                      std::pair("I\n."s, "number"),
                                      std::pair("\x8A\x09"s + std::string(9, '\1') + ".", "longer than 8"),
                                      std::pair("\x8B\xFF\xFF\xFF\xFF."s, "longer than 8"),
                                      std::pair("S'a\n."s, "quotes"),
                                      std::pair("S\n."s, "quotes"),
                                      std::pair("S'\n."s, "quotes"),
                                      std::pair("S'\\'\n."s, "escape"),
                                      std::pair("S'\\x4'\n."s, "escape"),
                                      std::pair("S'\\q'\n."s, "escape"),
                                      std::pair("K\1K\1\x93."s, "short text")})
    ExpectRefused(pickle, cause);
  ExpectRefused("c" + std::string(101, 'a') + "\nb\n.", "name is too long");
  ExpectRefused("Va\nV" + std::string(101, 'a') + "\n\x93.", "short text");
}

TEST(VerificationBin, RefusesLengthsBeyondTheEnd) {
  for (const char* opcode : {"T", "B", "X"}) {
    ExpectRefused(opcode + LittleEndian(0xFFFFFFFF, 4) + "abc.", "byte 0: the file is truncated");
    ExpectRefused(opcode + LittleEndian(5, 4) + "abc.", "truncated");
  }
  for (const char* opcode : {"\x8D", "\x8E", "\x96", "\x95"}) {
    for (const std::uint64_t size :
         {~std::uint64_t{0}, std::uint64_t{1} << 63, std::uint64_t{1} << 40, std::uint64_t{5}})
      ExpectRefused(opcode + LittleEndian(size, 8) + "abc.", "truncated");
  }
}

TEST(VerificationBin, RefusesEveryTruncation) {
  for (const Form& form : AllForms()) {
    if (form.booleans != 2) continue;
    for (std::size_t size = 0; size < form.pickle.size(); ++size) {
      EXPECT_THROW(Read(form.pickle.substr(0, size)), Error) << size;
      if (::testing::Test::HasFailure()) return;
    }
  }
  PickleWriter writer(Dialect::kProtocol3);
  const std::string pickle = writer.Set({writer.Bytes("a"), writer.Bytes("b")}, writer.List({writer.Bool(true)}));
  for (std::size_t size = 0; size < pickle.size(); ++size) ExpectRefused(pickle.substr(0, size), "truncated");
}

TEST(VerificationBin, HandlesEveryCorruption) {
  for (const Form& form : AllForms()) {
    if (form.booleans != 1) continue;
    for (std::size_t i = 0; i < form.pickle.size(); ++i) {
      for (const int flip : {0x01, 0x80, 0xFF}) {
        std::string spoilt = form.pickle;
        spoilt[i] = static_cast<char>(spoilt[i] ^ flip);
        try {
          const VerificationSet set = Read(spoilt);
          EXPECT_EQ(set.images.size(), 2 * set.same.size());
        } catch (const Error& error) {
          EXPECT_EQ(error.code(), ErrorCode::kIo) << error.what();
        }
      }
    }
  }
}

TEST(VerificationBin, NestsAsDeeplyAsItLikes) {
  constexpr std::size_t kDepth = 300'000;
  ExpectRefused(std::string(kDepth, ']') + std::string(kDepth - 1, 'a') + ".", "pair");
  ExpectRefused(")" + std::string(kDepth, '\x85') + ".", "pair");
  ExpectRefused(std::string(kDepth, '(') + ".", "stack is empty");
  // A list that is its own first and second entry.
  ExpectRefused("]q\1h\1ah\1a.", "not an encoded picture");
}

// The cause names the limit, so that someone with a set that large knows.
void ExpectTooMany(const std::string& pickle) {
  const std::vector<std::uint8_t> bytes(pickle.begin(), pickle.end());
  try {
    Pickle read(*OpenBytes(bytes), {.max_values = 100});
    ADD_FAILURE() << "it was read";
  } catch (const PickleError& error) {
    EXPECT_NE(std::string(error.what()).find("more than 100 values"), std::string::npos) << error.what();
  }
}

TEST(Pickle, LimitsValuesHoweverTheyAreMade) {
  const auto times = [](int count, const std::string& text) {
    std::string repeated;
    for (int i = 0; i < count; ++i) repeated += text;
    return repeated;
  };
  ExpectTooMany(times(101, "N"));
  ExpectTooMany(times(101, "("));
  ExpectTooMany("N" + times(100, "2"));
  ExpectTooMany(times(60, "]0") + times(60, ")0"));
  ExpectTooMany("N" + times(100, "q\1"));
  ExpectTooMany("N" + times(100, "\x94"));
  ExpectTooMany("](Nq\1" + times(99, "h\1"));
  ExpectTooMany(times(60,
                      "cnumpy\nndarray\n"
                      "0"
                      "K\1"
                      "0"));
  // The bomb of doubled lists: each holds the one before it twice.
  ExpectTooMany("]q" + std::string(1, '\0') +
                times(60, "](h" + std::string(1, '\0') + "h" + std::string(1, '\0') + "eq" + std::string(1, '\0')));
}

TEST(Pickle, DecodesNoTextOverAndOver) {
  std::string pickle = "](X" + LittleEndian(10'000, 4) + std::string(10'000, 'a') + "q\1";
  for (int i = 0; i < 100; ++i) pickle += "c_codecs\nencode\nh\1Vlatin1\n\x86R";
  ExpectRefused(pickle + "e.", "over and over");
}

}  // namespace
}  // namespace prefiqs::input
