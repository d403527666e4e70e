#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prefiqs/error.h>
#include <prefiqs/preprocessing.h>
#include <prefiqs/recipe.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>
#include <thread>

#include "base/file.h"
#include "base/folder_for_test.h"
#include "base/hash.h"
#include "base/shipped.h"

namespace prefiqs {
namespace {

using testing::AllOf;
using testing::HasSubstr;

template <typename F>
std::string MessageOf(ErrorCode code, F&& f) {
  try {
    f();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), code);
    return e.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return {};
}

TEST(Tables, AreInTheOrderOfTheirEnumerators) {
  for (int i = 0; i <= static_cast<int>(ErrorCode::kInternal); ++i) {
    EXPECT_EQ(static_cast<int>(info(static_cast<ErrorCode>(i)).code), i);
  }
  EXPECT_EQ(statuses().back().status, Status::kTooManyFaces);
  for (std::size_t i = 0; i < statuses().size(); ++i) {
    EXPECT_EQ(static_cast<std::size_t>(statuses()[i].status), i);
    EXPECT_EQ(&info(statuses()[i].status), &statuses()[i]);
  }
  EXPECT_EQ(info(ErrorCode::kUsage).exit_status, 2);
  EXPECT_EQ(info(ErrorCode::kModel).exit_status, 3);
  EXPECT_EQ(info(ErrorCode::kRecipe).exit_status, 3);
  EXPECT_EQ(info(ErrorCode::kIo).exit_status, 4);
  EXPECT_EQ(info(ErrorCode::kReaderGone).exit_status, 4);
}

TEST(Recipe, DefaultsAreThePapers) {
  EXPECT_EQ(Recipe{}.name(), "unstructured-l1-global-0.4");
  EXPECT_EQ(Recipe{}.to_json(),
            R"({"granularity":"unstructured","criterion":"l1","scope":"global","sparsity":0.4,"from":0.0})");
  EXPECT_EQ(Recipe::from_json("{}"), Recipe{});
}

TEST(Recipe, SurvivesJson) {
  Recipe recipe;
  recipe.granularity = Granularity::kStructured;
  recipe.criterion = Criterion::kRandom;
  recipe.scope = Scope::kLayer;
  recipe.sparsity = 0.1 + 0.2;
  recipe.from = 1.0 / 3;
  recipe.seed = ~0ULL;
  EXPECT_EQ(Recipe::from_json(recipe.to_json()), recipe);
  EXPECT_EQ(recipe.name(),
            "structured-random-layer-0.30000000000000004-from0.3333333333333333-seed18446744073709551615");
}

TEST(Recipe, RefusesWhatItDoesNotUnderstand) {
  const auto message = [](const char* json) { return MessageOf(ErrorCode::kRecipe, [&] { Recipe::from_json(json); }); };
  EXPECT_THAT(message("{"), HasSubstr("not valid JSON"));
  EXPECT_THAT(message("[1]"), HasSubstr("object"));
  EXPECT_THAT(message(R"({"sparcity":0.4})"), HasSubstr("sparcity"));
  EXPECT_THAT(message(R"({"sparsity":"0.4"})"), HasSubstr("number"));
  EXPECT_THAT(message(R"({"sparsity":1})"), HasSubstr("[0, 1)"));
  EXPECT_THAT(message(R"({"from":-0.1})"), HasSubstr("[0, 1)"));
  EXPECT_THAT(message(R"({"scope":"filter"})"), HasSubstr("global, layer, channel"));
  EXPECT_THAT(message(R"({"seed":-1})"), HasSubstr("seed"));
  EXPECT_THAT(message(R"({"seed":1.5})"), HasSubstr("seed"));
}

TEST(Preprocessing, SurvivesJson) {
  for (const auto& preset : preprocessing_presets()) {
    EXPECT_EQ(Preprocessing::from_json(preset.preprocessing.to_json()), preset.preprocessing) << preset.name;
    EXPECT_EQ(Preprocessing::preset(preset.name), preset.preprocessing);
  }
  EXPECT_EQ(Preprocessing{}.to_json(), R"({"channels":"rgb","mean":127.5,"scale":127.5})");
  EXPECT_EQ(Preprocessing::from_json(R"({"mean":[1,2,3]})").mean, (std::array<float, 3>{1, 2, 3}));
}

TEST(CropTemplate, HasOneRowForEachNameAndValue) {
  for (const CropTemplateInfo& r : crop_templates()) {
    EXPECT_EQ(crop_template(r.name), r.value);
    EXPECT_EQ(info(r.value).name, r.name);
    EXPECT_EQ(r.scale(112, 112), 1);
  }
  EXPECT_EQ(Preprocessing{}.crop_template, crop_templates().front().value);
  EXPECT_THAT(MessageOf(ErrorCode::kUsage, [] { crop_template("face"); }), HasSubstr("insightface, scaled"));
}

TEST(Preprocessing, StoresATemplateThatIsNotTheDefault) {
  Preprocessing scaled;
  scaled.crop_template = CropTemplate::kScaled;
  EXPECT_EQ(scaled.to_json(), R"({"channels":"rgb","mean":127.5,"scale":127.5,"template":"scaled"})");
  EXPECT_EQ(Preprocessing::from_json(scaled.to_json()), scaled);
  EXPECT_NE(scaled, Preprocessing{});
  EXPECT_EQ(Preprocessing::from_json(R"({"template":"insightface"})"), Preprocessing{});
  for (const char* bad : {R"({"template":"face"})", R"({"template":1})", R"({"template":null})"}) {
    EXPECT_THAT(MessageOf(ErrorCode::kModel, [&] { Preprocessing::from_json(bad); }),
                AllOf(HasSubstr("template"), HasSubstr("insightface, scaled")));
  }
}

TEST(Preprocessing, RefusesWhatItDoesNotUnderstand) {
  const auto message = [](const char* json) {
    return MessageOf(ErrorCode::kModel, [&] { Preprocessing::from_json(json); });
  };
  EXPECT_THAT(message(R"({"channels":"gbr"})"), HasSubstr("rgb"));
  EXPECT_THAT(message(R"({"scale":0})"), HasSubstr("must not be 0"));
  EXPECT_THAT(message(R"({"scale":[1,2]})"), HasSubstr("one number or three"));
  EXPECT_THAT(message(R"({"mean":1e999})"), HasSubstr("JSON"));
  EXPECT_THAT(message(R"({"mean":1e60})"), HasSubstr("not finite"));
  EXPECT_THAT(message(R"({"std":1})"), HasSubstr("std"));
  EXPECT_THAT(MessageOf(ErrorCode::kUsage, [] { Preprocessing::preset("arc"); }), HasSubstr("arcface"));
}

TEST(Files, WriteThenRead) {
  const FolderForTest folder;
  const std::string path = folder / "a";
  WriteFileAtomically(path, std::string_view("first"));
  WriteFileAtomically(path, std::string_view("second"));
  const auto bytes = ReadFile(path, 6);
  EXPECT_EQ(std::string(bytes.begin(), bytes.end()), "second");
  EXPECT_THAT(MessageOf(ErrorCode::kIo, [&] { ReadFile(path, 5); }), HasSubstr("limit of 5 bytes"));
  EXPECT_THROW(ReadFile(path, 5), FileTooLarge);
  EXPECT_THROW(ReadFile("/dev/zero", 5), FileTooLarge);  // which tells no size beforehand
  EXPECT_EQ(folder.count(), 1) << "a temporary file stayed";
}

TEST(Files, LinksStayAndDevicesAreNotReplaced) {
  const FolderForTest folder;
  Fill(folder / "d/target", "old");
  std::filesystem::create_symlink("d/target", folder / "link");
  WriteFileAtomically(folder / "link", std::string_view("new"));
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "link"));
  EXPECT_EQ(Contents(folder / "d/target"), "new");
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  std::string read;
  std::thread reader([&] { read = Contents(folder / "pipe"); });
  WriteFileAtomically(folder / "pipe", std::string_view("through"));
  reader.join();
  EXPECT_EQ(read, "through");
  EXPECT_TRUE(std::filesystem::is_fifo(folder / "pipe"));
}

TEST(Files, FailureNamesThePathAndLeavesNothing) {
  const FolderForTest folder;
  const std::string missing = folder / "no/such";
  EXPECT_THAT(MessageOf(ErrorCode::kIo, [&] { ReadFile(missing, 10); }), HasSubstr(missing));
  EXPECT_THAT(MessageOf(ErrorCode::kIo, [&] { ReadFile(folder.path(), 10); }), HasSubstr("directory"));
  EXPECT_THROW(WriteFileAtomically(missing, std::string_view("x")), Error);
  Fill(folder / "d/keep", "x");
  EXPECT_THROW(WriteFileAtomically(folder / "d", std::string_view("x")), Error);  // cannot replace a folder
  EXPECT_EQ(folder.count(), 1) << "a temporary file stayed";
}

TEST(Files, WhetherTheyCanBeWrittenIsKnownBefore) {
  const FolderForTest folder;
  Fill(folder / "there", "old");
  std::filesystem::create_directory(folder / "d");
  std::filesystem::create_symlink("there", folder / "link");
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  const auto before = folder.count();
  for (const char* good : {"there", "new", "link", "pipe"}) EXPECT_NO_THROW(CheckWritable(folder / good)) << good;
  for (const char* bad : {"d", "none/new", "there/new"}) {
    try {
      CheckWritable(folder / bad);
      ADD_FAILURE() << bad;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kIo);
      EXPECT_NE(std::string(e.what()).find(bad), std::string::npos) << e.what();
    }
  }
  EXPECT_EQ(Contents(folder / "there"), "old");
  EXPECT_EQ(folder.count(), before);
}

TEST(Printable, EscapesControlBytes) { EXPECT_EQ(Printable("a\nb\x7f\xc3\xa4"), "a\\x0ab\\x7f\xc3\xa4"); }

TEST(ContentHash, IsXxh3OfTheWhole) {
  // Values of `printf ... | xxhsum -H2`.
  EXPECT_EQ(ContentHash().Hex(), "99aa06d3014798d86001c324468d497f");
  const std::string text = "prefiqs";
  const std::span<const std::uint8_t> bytes(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  ContentHash whole, parts;
  whole.Add(bytes);
  parts.Add(bytes.first(3));
  parts.Add(bytes.subspan(3));
  EXPECT_EQ(whole.Hex(), parts.Hex());
  EXPECT_NE(whole.Hex(), ContentHash().Hex());
}

TEST(Shipped, IsFoundAroundTheProgram) {
  EXPECT_THAT(ShippedFile("models"), HasSubstr("share/prefiqs/models"));
  EXPECT_THAT(MessageOf(ErrorCode::kIo, [] { ShippedFile("no such thing"); }), HasSubstr("install it again"));
}

}  // namespace
}  // namespace prefiqs
