"""Things to buy and to eat, in English and Chinese."""

from typing import Final

from danqing.scorers.world import Language

GOODS: Final[dict[Language, tuple[str, ...]]] = {
    "en": (
        "Desk lamp", "Paper, A4, 500 sheets", "Office chair", "Printer ink, black", "Notebook",
        "Whiteboard", "USB cable, 2 m", "Water glass", "Coffee beans, 1 kg", "Wall clock",
        "Canvas bag", "Ceramic vase", "Wool blanket", "Keyboard", "Storage box",
    ),
    "zh": (
        "台灯", "复印纸（500张）", "办公椅", "黑色墨盒", "笔记本", "白板", "数据线（2米）",
        "玻璃杯",
        "咖啡豆（1公斤）", "挂钟", "帆布包", "陶瓷花瓶", "羊毛毯", "键盘", "收纳箱",
    ),
}  # fmt: skip

GROCERIES: Final[dict[Language, tuple[str, ...]]] = {
    "en": (
        "Apples", "Whole milk", "Rye bread", "Eggs x10", "Olive oil", "Green tea", "Tomatoes",
        "Basmati rice", "Dark chocolate", "Orange juice", "Butter", "Yoghurt",
    ),
    "zh": (
        "苹果", "纯牛奶", "全麦面包", "鸡蛋（10枚）", "橄榄油", "绿茶", "番茄", "东北大米",
        "黑巧克力", "橙汁", "黄油", "酸奶",
    ),
}  # fmt: skip

DISHES: Final[dict[str, tuple[tuple[str, str, str, str], ...]]] = {
    "starters": (
        ("Cucumber Salad", "凉拌黄瓜", "garlic, sesame oil", "蒜香、麻油"),
        ("Spring Rolls", "春卷", "crisp, with vegetables", "香脆，蔬菜馅"),
        ("Tomato Soup", "番茄浓汤", "basil and cream", "罗勒与奶油"),
        ("Steamed Dumplings", "蒸饺", "pork and leek", "猪肉韭菜"),
        ("Tofu Skin Rolls", "腐皮卷", "mushroom filling", "香菇馅"),
    ),
    "mains": (
        ("Kung Pao Chicken", "宫保鸡丁", "peanuts, dried chili", "花生、干辣椒"),
        ("Mapo Tofu", "麻婆豆腐", "spicy, with rice", "麻辣，配米饭"),
        ("Sweet and Sour Fish", "糖醋鱼", "whole fish for two", "整条，两人份"),
        ("Braised Beef", "红烧牛肉", "slow cooked, star anise", "慢炖，八角"),
        ("Grilled Salmon", "香煎三文鱼", "lemon and dill", "柠檬与莳萝"),
        ("Mushroom Noodles", "菌菇面", "hand-pulled", "手工拉面"),
        ("Fried Rice", "扬州炒饭", "egg, ham, peas", "鸡蛋、火腿、青豆"),
    ),
    "sweets": (
        ("Mango Pudding", "芒果布丁", "with coconut milk", "配椰奶"),
        ("Sesame Balls", "芝麻球", "red bean filling", "红豆馅"),
        ("Lemon Tart", "柠檬挞", "baked every morning", "每日新鲜烘烤"),
        ("Almond Tofu", "杏仁豆腐", "chilled, with fruit", "冰镇，配水果"),
    ),
    "drinks": (
        ("Green Tea", "绿茶", "pot for two", "两人份"),
        ("Espresso", "意式浓缩", "single or double", "单份或双份"),
        ("Latte", "拿铁咖啡", "oat milk on request", "可换燕麦奶"),
        ("Plum Juice", "酸梅汤", "home-made", "自制"),
        ("Hot Chocolate", "热巧克力", "with cream", "加奶油"),
        ("Ginger Tea", "姜茶", "with honey", "加蜂蜜"),
    ),
}
"""English and Chinese name, English and Chinese note."""

PRODUCTS: Final[dict[Language, tuple[tuple[str, str, str], ...]]] = {
    "en": (
        ("Aurora Serum", "Light that stays", "Gentle care for every morning"),
        ("Mountain Spring", "Pure from the source", "Still water, 750 ml"),
        ("Cedar No. 5", "A walk in the woods", "Eau de parfum, 50 ml"),
        ("Honey Balm", "Soft as summer", "For hands that work"),
        ("Citrus Tonic", "Wake up bright", "No sugar, no colours"),
    ),
    "zh": (
        ("晨光精华", "留住清晨的光", "温和呵护每一天"),
        ("山泉", "来自源头的纯净", "天然水 750毫升"),
        ("雪松五号", "像走进一片森林", "淡香水 50毫升"),
        ("蜂蜜护手霜", "柔软如夏天", "献给勤劳的双手"),
        ("柑橘气泡水", "清醒每一刻", "无糖，无色素"),
    ),
}
"""Name, slogan, description."""
