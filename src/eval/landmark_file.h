// Five points a face, as data sets and other programs write them.
#ifndef PREFIQS_EVAL_LANDMARK_FILE_H_
#define PREFIQS_EVAL_LANDMARK_FILE_H_

#include <cstddef>
#include <string>
#include <vector>

#include <prefiqs/detector.h>

namespace prefiqs::eval {

struct LandmarkRow {
  std::string name;  // of the picture, as the file has it
  // The box is NaN where the file has none, and so is the confidence. The points are finite.
  Face face;
  std::size_t line = 0;  // of the file, from 1; 0: the row is a file of its own (CFP)
};

struct LandmarkList {
  std::string form;               // what the file was taken for, for people
  std::vector<LandmarkRow> rows;  // in the file's order
  bool several_faces = false;     // rows of one picture are of several faces: the file has a column face
};

// By what `path` is:
//   lines NAME X1 Y1 … X5 Y5, with a detector's score behind them or without one: IJB's name_5pts_score.txt. White
//   space, commas, semicolons or tabs stand between; names may hold spaces; CelebA's list_landmarks_*.txt: the same
//   with a count and a header in front; a table (table_file.h) with a column path, file, name or image and left_eye_x,
//   left_eye_y, right_eye_*, nose_*, left_mouth_*, right_mouth_*, and maybe box_x, box_y, box_width, box_height,
//   confidence and face, as `score` writes them. A row with none of the ten numbers has no face and is left out; a
//   folder with CFP's fiducials, ID/frontal/NN.txt and ID/profile/NN.txt, of 30 points each (landmark_cfp.h).
// The order is that of Landmarks. Throws Error(kIo) naming file, line and column; for a file of no known form the form
// that comes nearest; and where most rows do not lie as eyes, nose and mouth do, what order they seem to have.
LandmarkList ReadLandmarks(const std::string& path);

}  // namespace prefiqs::eval

#endif  // PREFIQS_EVAL_LANDMARK_FILE_H_
