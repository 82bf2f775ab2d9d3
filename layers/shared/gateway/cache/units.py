"""Numbers and the units they are counted in, by the words and signs that they are written with."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

_UNIT_LINES = """
km kms kilometer kilometers kilometre kilometres 公里 千米
m meter meters metre metres
cm centimeter centimeters centimetre centimetres 厘米
mm millimeter millimeters millimetre millimetres 毫米
mi mile miles 英里
ft foot feet 英尺
inch inches 英寸
yd yard yards
kg kgs kilo kilos kilogram kilograms 公斤 千克
g gram grams gramme grammes 克
mg milligram milligrams 毫克
lb lbs pound pounds 磅
oz ounce ounces 盎司
tonne tonnes ton tons 吨
jin 斤
l liter liters litre litres 升
ml milliliter milliliters millilitre 毫升
gallon gallons 加仑
cup cups
tbsp tablespoon tablespoons
tsp teaspoon teaspoons
celsius centigrade °c 摄氏度 摄氏
fahrenheit °f 华氏度 华氏
kelvin
° degree degrees 度
% percent percentage pct 百分之
$ dollar dollars usd 美元
€ euro euros eur 欧元
£ gbp 英镑
¥ yuan rmb cny renminbi 元 人民币 块钱
yen jpy 日元
rupee rupees inr
won krw
ms millisecond milliseconds 毫秒
seconds sec secs s 秒
minute minutes min mins 分钟
hour hours hr hrs 小时
day days 天
week weeks 周 星期 礼拜
month months 个月
year years yr yrs 年
decade decades
century centuries 世纪
kb kilobyte kilobytes
mb megabyte megabytes 兆
gb gigabyte gigabytes
tb terabyte terabytes
bit bits
byte bytes 字节
mph
kph kmh
calorie calories kcal 卡路里
watt watts
kilowatt kilowatts kw
volt volts
am
pm
acre acres
hectare hectares 公顷
"""
_NUMBER_LINES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty"
)
UNITS: dict[str, str] = {word: line.split()[0] for line in _UNIT_LINES.split("\n") if line for word in line.split()}
# "min" is a mark of its own, and "m", "s", "g", "l", "am" are units only after a number.
for _word in ("min", "m", "s", "g", "l", "am", "second"):
    UNITS.pop(_word, None)
NUMBER_WORDS: dict[str, str] = {word: str(number) for number, word in enumerate(_NUMBER_LINES.split())} | {
    "thirty": "30", "forty": "40", "fifty": "50", "sixty": "60", "seventy": "70", "eighty": "80", "ninety": "90",
    "hundred": "100", "thousand": "1000", "million": "1000000", "billion": "1000000000", "dozen": "12",
}  # fmt: skip


def number_of(token: str) -> str | None:
    """The number that a token writes, in one form; a version such as 3.11.2 is its own."""
    if not any(letter.isdigit() for letter in token) or not set(token) <= set("0123456789.,-"):
        return None
    try:
        return f"{Decimal(token.replace(',', '')).normalize():f}"
    except InvalidOperation:
        return token
