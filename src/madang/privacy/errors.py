"""Problems of exports."""

from madang.kit.problems import Conflict, NotFound, Text, TooMany


class ExportNotFound(NotFound):
    code = "export-not-found"
    title = Text("No such export", "그런 내보내기가 없습니다")
    detail = Text(
        "You have no export of this id; archives are kept for a day.",
        "이 id의 내보내기가 없습니다. 보관 기간은 하루입니다.",
    )


class ExportRunning(Conflict):
    code = "export-running"
    title = Text("An export is being made already", "내보내기가 이미 진행 중입니다")
    detail = Text("Wait for it; its archive will hold everything.", "끝날 때까지 기다려 주세요. 모든 내용이 담깁니다.")


class TooManyExports(TooMany):
    code = "too-many-exports"
    title = Text("Too many exports today", "오늘 내보내기를 너무 많이 했습니다")
    detail = Text(
        "{limit} a day are made; try again later.", "하루에 {limit}번까지 할 수 있습니다. 나중에 다시 시도하세요."
    )
